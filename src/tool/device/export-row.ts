/** A record of the ledger as a row for another program. */
import { createHash, X509Certificate } from 'node:crypto'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { recordJson } from './record-text.ts'

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
  const values = {
    ...recordJson(record, nowMs),
    notBefore: x509 === undefined ? null : new Date(x509.validFrom).toISOString(),
    keySha256: record.keyHash,
    sha256: record.der === undefined ? null : createHash('sha256').update(record.der).digest('hex'),
  }
  return Object.fromEntries(exportColumns.map(column => [column, values[column]])) as ExportRow
}
