/** Revokes certificates so that their device does not come back: what is left of its enrolment tokens is withdrawn as well. */
import type { CrlReason } from './crl-writer.ts'
import type { Ledger } from './ledger.ts'
import type { LedgerRecord } from './ledger-record.ts'
import type { TokenRecord } from './ledger-tokens.ts'
import { withSameKey } from './with-same-key.ts'

export interface RevokedCertificates {
  /** Those that were not revoked before. */
  readonly revoked: readonly LedgerRecord[]
  readonly withdrawn: readonly TokenRecord[]
}

/**
 * With `keyCompromise` every certificate that has one of the keys is revoked. A device of which another certificate stays in force is
 * not shut out, and keeps its tokens. They are withdrawn first: a kill in between leaves what the next run revokes, and not a token.
 * @example const { revoked, withdrawn } = revokeCertificates(ledger, ledger.ofName('pump-12'), 'keyCompromise')
 */
export function revokeCertificates(
  ledger: Ledger,
  records: readonly LedgerRecord[],
  reason: CrlReason,
): RevokedCertificates {
  const all = reason === 'keyCompromise' ? withSameKey(ledger, records) : records
  const withdrawn = ledger.tokens.withdrawOf(identitiesLeftWithout(ledger, all))
  return { withdrawn, revoked: ledger.revoke(all, reason) }
}

/** Identities that have nothing in force, or about to be, beside these. */
function identitiesLeftWithout(ledger: Ledger, records: readonly LedgerRecord[]): readonly string[] {
  const identities = [...new Set(records.flatMap(({ identity }) => identity ?? []))]
  const keyOf = ({ issuerKeyId, serialHex }: LedgerRecord): string => `${issuerKeyId} ${serialHex}`
  const meant = new Set(records.map(keyOf))
  const held = ledger.everHeld(identities.map(identity => `identity ${identity}`))
  const staying = held.filter(one => (one.state === 'issued' || one.state === 'reserved') && !meant.has(keyOf(one)))
  return identities.filter(identity => !staying.some(one => one.identity === identity))
}
