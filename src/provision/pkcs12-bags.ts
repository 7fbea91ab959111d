/** The bags of a PKCS#12 file (RFC 7292 §4.2): certificates and keys with the names by which they find each other. */
import { context, encode, octetString, oid, sequence } from './der.ts'
import type { Pkcs12Parts } from './pkcs12.ts'

const bagTypes = { shroudedKey: '1.2.840.113549.1.12.10.1.2', certificate: '1.2.840.113549.1.12.10.1.3' } as const
const x509Certificate = '1.2.840.113549.1.9.22.1'
const friendlyName = '1.2.840.113549.1.9.20'
const localKeyId = '1.2.840.113549.1.9.21'

/** SafeContents with leaf and chain. Only the leaf has a name: with one on the others, Java would take them for entries. */
export function certificateBags(parts: Pkcs12Parts): Buffer {
  const bag = (der: Uint8Array, attributes: readonly Buffer[]): Buffer =>
    safeBag(bagTypes.certificate, sequence(oid(x509Certificate), context(0, octetString(der))), attributes)
  return sequence(bag(parts.leafDer, [entryAttributes(parts)]), ...parts.chainDer.map(der => bag(der, [])))
}

/** SafeContents with the key; `shrouded` is an EncryptedPrivateKeyInfo (RFC 5958 §3). */
export function keyBag(shrouded: Uint8Array, parts: Pkcs12Parts): Buffer {
  return sequence(safeBag(bagTypes.shroudedKey, shrouded, [entryAttributes(parts)]))
}

function safeBag(type: string, value: Uint8Array, attributes: readonly Buffer[]): Buffer {
  return sequence(oid(type), context(0, value), ...attributes)
}

/** SET OF: shorter encodings first where they differ in a length, as DER demands (X.690 §11.6). */
function entryAttributes(parts: Pkcs12Parts): Buffer {
  const attribute = (type: string, value: Buffer): Buffer => sequence(oid(type), encode(0x31, value))
  const attributes = [
    attribute(friendlyName, encode(0x1e, Buffer.from(parts.friendlyName, 'utf16le').swap16())),
    attribute(localKeyId, octetString(parts.localKeyId)),
  ]
  return encode(0x31, ...attributes.sort(Buffer.compare))
}
