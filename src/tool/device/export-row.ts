/** A record of the ledger as a row for another program. */
import { createHash, X509Certificate } from 'node:crypto'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { stateText } from './record-text.ts'

/** Columns of an export, in their order. New ones go to the end. */
export const exportColumns = [
  'name',
  'profile',
  'state',
  'since',
  'notBefore',
  'notAfter',
  'serial',
  'issuerKeyId',
  'identity',
  'clientIds',
  'reason',
  'keySha256',
  'sha256',
] as const

export type ExportRow = Readonly<Record<(typeof exportColumns)[number], string | readonly string[] | null>>

/** A record for another program. What is only known of a signed certificate is null before. */
export function exportRow(record: LedgerRecord, nowMs: number): ExportRow {
  const x509 = record.der && new X509Certificate(record.der)
  return {
    name: record.name,
    profile: record.profile,
    state: stateText(record, nowMs),
    since: record.since.toISOString(),
    notBefore: x509 === undefined ? null : new Date(x509.validFrom).toISOString(),
    notAfter: record.notAfter.toISOString(),
    serial: record.serialHex,
    issuerKeyId: record.issuerKeyId,
    identity: record.identity ?? null,
    clientIds: record.clientIds,
    reason: record.reason ?? null,
    keySha256: record.keyHash,
    sha256: record.der === undefined ? null : createHash('sha256').update(record.der).digest('hex'),
  }
}
