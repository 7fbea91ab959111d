/** A signing request (PKCS#10, RFC 2986) of an issuing CA, for the machine on which the root's key is kept. */
import { bitString, context, integer, sequence } from './der.ts'
import { type KeyPair, schemeOf, spkiOf, toPem } from './keys.ts'

/** PEM. It asks for no extensions: which a CA gets is the profile's to say. */
export function writeIssuingRequest({ name, keys }: { readonly name: Uint8Array; readonly keys: KeyPair }): string {
  const scheme = schemeOf(keys.privateKey)
  const info = sequence(integer(0n), name, spkiOf(keys.publicKey), context(0)) // §4.1: attributes, an empty set
  return toPem('CERTIFICATE REQUEST', sequence(info, scheme.algorithm, bitString(scheme.sign(info))))
}
