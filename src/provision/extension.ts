import { boolean, octetString, oid, sequence } from './der.ts'

/** One extension of a certificate or CRL (RFC 5280 §4.1); FALSE, the default of `critical`, is not encoded. */
export function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value))
}
