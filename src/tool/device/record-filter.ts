/** Options that choose certificates of the ledger: what `list` and `export` share. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { stateText } from './record-text.ts'

export interface RecordFilter {
  readonly state?: string
  readonly name?: string
  readonly identity?: string
  /** Days. */
  readonly expiring?: number
  readonly servers?: boolean
}

const states = ['reserved', 'issued', 'expired', 'superseded', 'revoked']
const dayMs = 86_400_000

/** `expiring` is what the help says of that option. */
export function addRecordFilter(command: Command, expiring: string): Command {
  return command
    .addOption(new Option('--state <state>', 'only those in this state').choices(states))
    .option('--name <name>', 'only those of this name')
    .option('--identity <text>', 'only those whose identity begins so, such as device:site=s1')
    .option('--expiring <days>', expiring, parseExpiring)
    .option('--servers', 'those of brokers too')
}

function parseExpiring(text: string): number {
  const [, days] = /^(\d{1,5})d?$/.exec(text) ?? []
  if (days === undefined) throw new InvalidArgumentError('Write a number of days, such as 30d.')
  return Number(days)
}

export function isWanted(record: LedgerRecord, filter: RecordFilter, nowMs: number): boolean {
  const { state, name, identity, expiring, servers } = filter
  const left = record.notAfter.getTime() - nowMs
  return (
    (servers === true || record.profile === 'device') &&
    (state === undefined || stateText(record, nowMs) === state) &&
    (name === undefined || record.name === name) &&
    (identity === undefined || record.identity?.startsWith(identity) === true) &&
    (expiring === undefined || (record.state === 'issued' && left >= 0 && left <= expiring * dayMs))
  )
}
