/**
 * The four certificate profiles, as one table. Measured against OpenSSL strict, GnuTLS, Node TLS 1.3, python
 * cryptography and mosquitto; what differs from a row here is refused by at least one of them, or should be.
 */
import { boolean, contextPrimitive, integer, namedBits, octetString, oid, sequence } from './der.ts'
import { extension } from './extension.ts'

export type Profile = 'root' | 'issuing' | 'server' | 'device'

const keyUsageBits = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const

interface ProfileRow {
  /** BasicConstraints content; CA:FALSE, the default, is an empty sequence. */
  readonly basicConstraints: Buffer
  readonly keyUsage: readonly (keyof typeof keyUsageBits)[]
  readonly extendedKeyUsage?: string
}

const profiles: Readonly<Record<Profile, ProfileRow>> = {
  root: { basicConstraints: sequence(boolean(true)), keyUsage: ['keyCertSign', 'cRLSign'] },
  issuing: { basicConstraints: sequence(boolean(true), integer(0n)), keyUsage: ['keyCertSign', 'cRLSign'] },
  server: { basicConstraints: sequence(), keyUsage: ['digitalSignature'], extendedKeyUsage: '1.3.6.1.5.5.7.3.1' },
  device: { basicConstraints: sequence(), keyUsage: ['digitalSignature'], extendedKeyUsage: '1.3.6.1.5.5.7.3.2' },
}

/** The extensions of a profile: BasicConstraints and KeyUsage critical (RFC 5280 §4.2.1.9, §4.2.1.3), the rest not. */
export function profileExtensions(
  profile: Profile,
  ids: { readonly subject: Uint8Array; readonly authority: Uint8Array },
  alternativeNames?: Uint8Array,
): readonly Buffer[] {
  const row = profiles[profile]
  const eku = row.extendedKeyUsage
  return [
    extension('2.5.29.19', true, row.basicConstraints),
    extension('2.5.29.15', true, namedBits(row.keyUsage.map(name => keyUsageBits[name]))),
    ...(eku === undefined ? [] : [extension('2.5.29.37', false, sequence(oid(eku)))]),
    extension('2.5.29.14', false, octetString(ids.subject)),
    authorityKeyIdentifier(ids.authority),
    ...(alternativeNames === undefined ? [] : [extension('2.5.29.17', false, alternativeNames)]),
  ]
}

/** The issuer's own subject key identifier, not a hash made anew (RFC 5280 §4.2.1.1). */
export function authorityKeyIdentifier(keyId: Uint8Array): Buffer {
  return extension('2.5.29.35', false, sequence(contextPrimitive(0, keyId)))
}
