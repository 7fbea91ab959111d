/** Whether the CRLs that are out say what the ledger says. */
import { readFile } from 'node:fs/promises'
import { parseCrlFile } from '../accept/crl.ts'
import type { CaFolder } from './ca-folder.ts'
import type { IssuingCa } from './issuing-cas.ts'
import type { LedgerRecord } from './ledger-record.ts'

/** True also where a CRL is missing, cannot be read, or is over. */
export async function isCrlBehind(
  { issuingCas }: CaFolder,
  records: readonly LedgerRecord[],
  now: Date,
): Promise<boolean> {
  for (const ca of issuingCas) if (await isBehind(ca, records, now)) return true
  return false
}

async function isBehind(
  { crlFile, issuerKeyId }: IssuingCa,
  records: readonly LedgerRecord[],
  now: Date,
): Promise<boolean> {
  const bytes = await readFile(crlFile).catch(() => undefined)
  const parsed = bytes && parseCrlFile(bytes)
  const crl = parsed?.ok ? parsed.value[0] : undefined
  if (crl === undefined || crl.nextUpdate <= now.getTime()) return true
  return records.some(
    ({ issuerKeyId: of, state, serialHex }) =>
      of === issuerKeyId && (state === 'revoked' || state === 'superseded') && !crl.entries.has(serialHex),
  )
}
