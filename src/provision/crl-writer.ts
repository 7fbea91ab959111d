/**
 * Certificate revocation lists, version 2 (RFC 5280 §5). Written by hand: the time is linear in the entries, where the
 * generator of @peculiar/x509 is quadratic (6 s for 10,000), writes empty entry extensions and the label `CRL`.
 */
import { context, enumerated, integer, integerOfHex, sequence, time } from './der.ts'
import { extension } from './extension.ts'
import { authorityKeyIdentifier } from './profiles.ts'

/** CRLReason (RFC 5280 §5.3.1); `removeFromCRL` is for delta CRLs, which nothing here makes. */
export const crlReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const

export type CrlReason = keyof typeof crlReasons

export interface RevokedEntry {
  readonly serialHex: string
  readonly date: Date
  readonly reason?: CrlReason
}

export interface CrlContent {
  /** Rises with every CRL of an issuer (RFC 5280 §5.2.3). */
  readonly number: bigint | number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly revoked: readonly RevokedEntry[]
}

/** TBSCertList (RFC 5280 §5.1.2), to be signed with `algorithm`. */
export function encodeTbsCrl(
  content: CrlContent,
  issuer: { readonly name: Uint8Array; readonly keyId: Uint8Array; readonly algorithm: Uint8Array },
): Buffer {
  // many are revoked at once
  const times = new Map<number, Buffer>()
  const entries = content.revoked.map(entry => encodeEntry(entry, times))
  return sequence(
    integer(1n),
    issuer.algorithm,
    issuer.name,
    time(content.thisUpdate),
    time(content.nextUpdate),
    ...(entries.length === 0 ? [] : [sequence(Buffer.concat(entries))]), // §5.1.2.6: absent when nothing is revoked
    context(
      0,
      sequence(authorityKeyIdentifier(issuer.keyId), extension('2.5.29.20', false, integer(BigInt(content.number)))),
    ),
  )
}

/** Made once, since a list has a hundred thousand entries. §5.3.1: "unspecified" should be absent; §5.3: no empty extensions. */
const reasonExtensions: ReadonlyMap<CrlReason, readonly Uint8Array[]> = new Map(
  (Object.keys(crlReasons) as CrlReason[]).map(reason => [
    reason,
    reason === 'unspecified' ? [] : [sequence(extension('2.5.29.21', false, enumerated(crlReasons[reason])))],
  ]),
)

function encodeEntry(entry: RevokedEntry, times: Map<number, Buffer>): Buffer {
  const second = Math.floor(entry.date.getTime() / 1000)
  const date = times.get(second) ?? time(entry.date)
  times.set(second, date)
  return sequence(integerOfHex(entry.serialHex), date, ...(reasonExtensions.get(entry.reason ?? 'unspecified') ?? []))
}
