/** The shapes that certificates and CRLs share (RFC 5280 §4.1, §4.2.1), read in one place and alike for both. */
import { type DerElement, DerError, type DerReader, readOnly, readWhole, tag } from './der.ts'
import { bitOctets, derBoolean, oidText, smallInteger } from './der-values.ts'

/** One extension of a certificate, a CRL or a CRL entry (RFC 5280 §4.1): the same shape in all three. */
export interface DerExtension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Buffer
}

/** Reads one `Extension`. */
export function takeExtension(list: DerReader): DerExtension {
  return list.inside(tag.sequence, one => {
    const oid = oidText(one.take(tag.oid))
    // a DEFAULT FALSE that is written out is not DER (X.690 §11.5), but common: taken as what it says
    const critical = one.takeOptional(tag.boolean)
    return { oid, critical: critical !== undefined && derBoolean(critical), value: one.take(tag.octetString) }
  })
}

/** Reads `SEQUENCE OF Extension`; a second one of the same kind is refused (RFC 5280 §4.2). */
export function readExtensions(list: DerReader): ReadonlyMap<string, DerExtension> {
  const extensions = new Map<string, DerExtension>()
  while (!list.done) {
    const one = takeExtension(list)
    if (extensions.has(one.oid)) throw new DerError(`extension ${one.oid} twice`)
    extensions.set(one.oid, one)
  }
  return extensions
}

export interface AlgorithmIdentifier {
  readonly oid: string
  readonly parameters: DerElement | undefined
}

/** The contents of an AlgorithmIdentifier (RFC 5280 §4.1.1.2). */
export function readAlgorithm(contents: DerReader): AlgorithmIdentifier {
  const oid = oidText(contents.take(tag.oid))
  return { oid, parameters: contents.done ? undefined : contents.takeAny() }
}

export interface BasicConstraints {
  readonly ca: boolean
  readonly pathLength: number | undefined
}

/** RFC 5280 §4.2.1.9. */
export function readBasicConstraints(value: Buffer): BasicConstraints {
  return readOnly(value, tag.sequence, contents => {
    const ca = contents.takeOptional(tag.boolean)
    const pathLength = contents.takeOptional(tag.integer)
    return {
      ca: ca !== undefined && derBoolean(ca),
      pathLength: pathLength === undefined ? undefined : smallInteger(pathLength),
    }
  })
}

/** RFC 5280 §4.2.1.3: the octets of a keyUsage; digitalSignature is the first bit of the first. */
export function readKeyUsage(value: Buffer): Buffer {
  return readWhole(value, reader => bitOctets(reader.take(tag.bitString)))
}

/** RFC 5280 §4.2.1.2. */
export function readSubjectKeyId(value: Buffer): Buffer {
  return readWhole(value, reader => reader.take(tag.octetString))
}

/** The key identifier of RFC 5280 §4.2.1.1; issuer and serial, the other way to name a key, are passed over. */
export function readAuthorityKeyId(value: Buffer): Buffer | undefined {
  return readOnly(value, tag.sequence, contents => {
    const keyId = contents.takeOptional(tag.contextPrimitive(0))
    contents.takeOptional(tag.context(1))
    contents.takeOptional(tag.contextPrimitive(2))
    return keyId
  })
}
