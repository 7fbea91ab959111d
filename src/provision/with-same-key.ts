import type { Ledger } from './ledger.ts'
import type { LedgerRecord } from './ledger-record.ts'

/** The records and every other one with one of their keys: what a compromised key means (RFC 5280 §5.3.1). */
export function withSameKey(ledger: Ledger, found: readonly LedgerRecord[]): readonly LedgerRecord[] {
  const keys = new Set(found.map(({ keyHash }) => keyHash))
  return ledger.all().filter(({ keyHash }) => keys.has(keyHash))
}
