/** A record of the ledger as a line and as JSON. */
import { toPem } from '../../provision/keys.ts'
import type { Ledger } from '../../provision/ledger.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { dayText } from '../ca/ca-text.ts'
import { tableLines } from '../table-lines.ts'

/** `expired` is what an issued certificate becomes by itself. */
export function stateText({ state, notAfter }: LedgerRecord, nowMs: number): string {
  return state === 'issued' && notAfter.getTime() < nowMs ? 'expired' : state
}

export function recordLines(records: readonly LedgerRecord[], nowMs: number): readonly string[] {
  const rows = records.map(record => [
    record.name,
    stateText(record, nowMs),
    dayText(record.notAfter),
    record.serialHex,
    record.identity ?? '',
  ])
  return tableLines(['NAME', 'STATE', 'UNTIL', 'SERIAL', 'IDENTITY'], rows)
}

export interface RecordJson {
  readonly name: string
  readonly profile: LedgerRecord['profile']
  readonly state: string
  readonly since: string
  readonly notAfter: string
  readonly serial: string
  readonly issuerKeyId: string
  readonly identity: string | null
  readonly clientIds: readonly string[]
  readonly reason: string | null
}

export function recordJson(record: LedgerRecord, nowMs: number): RecordJson {
  return {
    name: record.name,
    profile: record.profile,
    state: stateText(record, nowMs),
    since: record.since.toISOString(),
    notAfter: record.notAfter.toISOString(),
    serial: record.serialHex,
    issuerKeyId: record.issuerKeyId,
    identity: record.identity ?? null,
    clientIds: record.clientIds,
    reason: record.reason ?? null,
  }
}

/** With its certificate and its history. */
export function recordDetailJson(record: LedgerRecord, ledger: Ledger, nowMs: number): Record<string, unknown> {
  const history = ledger.history(record).map(event => ({ ...event, at: event.at.toISOString() }))
  return {
    ...recordJson(record, nowMs),
    history,
    pem: record.der === undefined ? null : toPem('CERTIFICATE', record.der),
  }
}
