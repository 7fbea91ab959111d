/** A signing request of an issuing CA, for the machine on which the root's key is kept. */
import { writeRequest } from './csr-writer.ts'
import { type KeyPair, toPem } from './keys.ts'

/** PEM. It asks for no extensions: which a CA gets is the profile's to say. */
export function writeIssuingRequest({ name, keys }: { readonly name: Uint8Array; readonly keys: KeyPair }): string {
  return toPem('CERTIFICATE REQUEST', writeRequest(keys, { subjectName: name }))
}
