/** `portcullis device list`: the certificates of the ledger; with `--expiring` those that end soon, as exit code 2. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { overlapsOf } from '../../provision/overlap.ts'
import { addCaOption, type CaOptions, withLedger } from '../ca/open.ts'
import { exitCodes } from '../exit-codes.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson, count, say } from '../io.ts'
import { recordJson, recordLines, stateText } from './record-text.ts'

interface ListOptions extends CaOptions {
  readonly state?: string
  readonly name?: string
  readonly identity?: string
  /** Days. */
  readonly expiring?: number
  readonly servers?: boolean
  readonly olderCa?: boolean
  readonly json?: boolean
}

const states = ['reserved', 'issued', 'expired', 'superseded', 'revoked']
const dayMs = 86_400_000

export function addDeviceList(device: Command): void {
  addExitCodes(
    addCaOption(device.command('list').description('list the certificates of the ledger'))
      .addOption(new Option('--state <state>', 'only those in this state').choices(states))
      .option('--name <name>', 'only those of this name')
      .option('--identity <text>', 'only those whose identity begins so, such as device:site=s1')
      .option(
        '--expiring <days>',
        'only issued ones that end within so many days, 30d; exit code 2 where there are any',
        parseExpiring,
      )
      .option('--servers', 'those of brokers too')
      .option('--older-ca', 'only those in use that an issuing CA signed which a rotation left behind')
      .option('--json', 'answer as JSON')
      .action(list),
    'portcullis device list --expiring 30d',
  )
}

function parseExpiring(text: string): number {
  const [, days] = /^(\d{1,5})d?$/.exec(text) ?? []
  if (days === undefined) throw new InvalidArgumentError('Write a number of days, such as 30d.')
  return Number(days)
}

async function list(options: ListOptions): Promise<void> {
  await withLedger(options, async (ca, ledger) => {
    const nowMs = Date.now()
    const all = ledger.all()
    const older = overlapsOf(ca, all, new Date(nowMs)).flatMap(({ devices, servers }) => [...devices, ...servers])
    const found = (options.olderCa ? older : all).filter(record => isWanted(record, options, nowMs))
    if (options.json) answerJson(found.map(record => recordJson(record, nowMs)))
    else if (found.length > 0) for (const line of recordLines(found, nowMs)) answer(line)
    say(count(found.length, 'certificate'), 'faint')
    if (options.expiring !== undefined && found.length > 0) process.exitCode = exitCodes.no
  })
}

function isWanted(record: LedgerRecord, options: ListOptions, nowMs: number): boolean {
  const { state, name, identity, expiring, servers } = options
  const left = record.notAfter.getTime() - nowMs
  return (
    (servers === true || record.profile === 'device') &&
    (state === undefined || stateText(record, nowMs) === state) &&
    (name === undefined || record.name === name) &&
    (identity === undefined || record.identity?.startsWith(identity) === true) &&
    (expiring === undefined || (record.state === 'issued' && left >= 0 && left <= expiring * dayMs))
  )
}
