/**
 * Certificates: DER in, plain immutable data out. Read by our own strict reader, not by a library: OpenSSL has verified
 * the signature by now, and what is left to decide (string types, duplicates, trailing octets) is what libraries hide.
 */
import { createHash } from 'node:crypto'
import type { FieldName, FieldValue } from '../policy/model.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import { type PublicKeyInfo, readPublicKey, readSignatureHash, type SignatureHash } from './algorithms.ts'
import {
  cursor,
  type DerCursor,
  DerError,
  derTags,
  readAll,
  readBits,
  readOne,
  readSmallInteger,
  readTime,
  readUnsigned,
} from './der-reader.ts'
import { type ExtensionFacts, readExtensions } from './extensions.ts'
import { alternativeNameFields, displayName, nameFields, readName } from './names.ts'

export interface Certificate extends ExtensionFacts {
  /** The very octets. */
  readonly der: Uint8Array
  /** SHA-256 of `der`, lower-case hex. */
  readonly fingerprint: string
  /** Lower-case hex, octet by octet, without a leading 00. */
  readonly serial: string
  /** 1, 2 or 3. */
  readonly version: number
  /** Ms since 1970. */
  readonly notBefore: number
  /** Ms since 1970. */
  readonly notAfter: number
  /** Issuer name, DER. */
  readonly issuerName: Uint8Array
  /** Subject name, DER. */
  readonly subjectName: Uint8Array
  readonly publicKey: PublicKeyInfo
  readonly signatureHash: SignatureHash | undefined
  /** Every value of every field that a policy can name, as it stands. */
  readonly values: ReadonlyMap<FieldName, readonly FieldValue[]>
  /** For people only, escaped: `CN=pump-7, OU=s1`. */
  readonly subjectText: string
  /** For people only, escaped. */
  readonly issuerText: string
}

const maxBytes = 64 * 1024

/** Reads a certificate. Total: whatever the octets are, it returns a value or `authenticate/unparsable-certificate`. */
export function parseCertificate(der: Uint8Array): Result<Certificate> {
  return parseWithFingerprint(der, sha256(der))
}

function parseWithFingerprint(der: Uint8Array, fingerprint: string): Result<Certificate> {
  try {
    if (der.length > maxBytes) throw new DerError(`it is longer than ${maxBytes} bytes`)
    // a copy: what the caller does to its buffer later must not change a verdict
    return ok(readCertificate(Uint8Array.from(der), fingerprint))
  } catch (error) {
    const detail = error instanceof DerError ? error.message : 'it cannot be read'
    return fail(problem('authenticate/unparsable-certificate', `the certificate is not strict DER: ${detail}`))
  }
}

/** Certificate and TBSCertificate (RFC 5280 §4.1). */
function readCertificate(der: Uint8Array, fingerprint: string): Certificate {
  const outer = cursor(readOne(der, derTags.sequence).content)
  const tbs = cursor(outer.take(derTags.sequence).content)
  const outerAlgorithm = outer.take(derTags.sequence)
  readBits(outer.take(derTags.bitString))
  outer.end()

  const version = readVersion(tbs)
  const serial = readSerial(tbs)
  const algorithm = tbs.take(derTags.sequence)
  // §4.1.1.2: the two must be the same, else the signature covers another algorithm than the one used
  if (!Buffer.from(algorithm.whole).equals(outerAlgorithm.whole))
    throw new DerError('the two signature algorithms differ')
  const issuer = tbs.take(derTags.sequence)
  const [notBefore, notAfter] = readValidity(tbs)
  const subject = tbs.take(derTags.sequence)
  const publicKey = readPublicKey(tbs.take(derTags.sequence))
  const extensions = readExtensions(tbs.takeIf(0xa3))
  tbs.end() // unique identifiers, which §4.1.2.8 bans, end here too

  const [issuerAttributes, subjectAttributes] = [readName(issuer), readName(subject)]
  return {
    ...extensions.facts,
    der,
    fingerprint,
    serial,
    version,
    notBefore,
    notAfter,
    publicKey,
    issuerName: issuer.whole,
    subjectName: subject.whole,
    signatureHash: readSignatureHash(algorithm),
    values: group([
      ...nameFields('subject', subjectAttributes),
      ...nameFields('issuer', issuerAttributes),
      ...(extensions.subjectAltName === undefined ? [] : alternativeNameFields(extensions.subjectAltName)),
      ['serial', derived(serial)],
      ['fingerprint.sha256', derived(fingerprint)],
    ]),
    subjectText: displayName(subjectAttributes),
    issuerText: displayName(issuerAttributes),
  }
}

function readVersion(tbs: DerCursor): number {
  const version = tbs.takeIf(0xa0)
  return version === undefined ? 1 : readSmallInteger(readOne(version.content, derTags.integer)) + 1
}

/** §4.1.2.2: a positive integer of at most 20 octets. */
function readSerial(tbs: DerCursor): string {
  const value = tbs.take(derTags.integer)
  const digits = readUnsigned(value)
  if (value.content.length > 20 || digits.every(digit => digit === 0))
    throw new DerError('the serial number is zero or too long')
  return Buffer.from(digits).toString('hex')
}

function readValidity(tbs: DerCursor): readonly [number, number] {
  const [from, to, ...others] = readAll(tbs.take(derTags.sequence).content)
  if (from === undefined || to === undefined || others.length > 0) throw new DerError('the validity is not two times')
  return [readTime(from), readTime(to)]
}

function derived(text: string): FieldValue {
  return { text, stringType: 'printable', inMultiValuedRdn: false }
}

function group(entries: readonly (readonly [FieldName, FieldValue])[]): ReadonlyMap<FieldName, readonly FieldValue[]> {
  const values = new Map<FieldName, FieldValue[]>()
  for (const [field, value] of entries) values.set(field, [...(values.get(field) ?? []), value])
  return values
}

function sha256(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex')
}

export interface CertificateCache {
  /** `fingerprint`: SHA-256 of `der` in lower-case hex, where the caller has it already. */
  readonly get: (der: Uint8Array, fingerprint?: string) => Result<Certificate>
  readonly size: () => number
}

/** `parseCertificate` behind a least-recently-used cache. Only parsing is cached, never a verdict (SEMANTICS 1.2). */
export function certificateCache(maxEntries: number): CertificateCache {
  const entries = new Map<string, Result<Certificate>>()
  const get = (der: Uint8Array, key: string = sha256(der)): Result<Certificate> => {
    const result = entries.get(key) ?? parseWithFingerprint(der, key)
    entries.delete(key)
    entries.set(key, result)
    const oldest = entries.size > maxEntries ? entries.keys().next().value : undefined
    if (oldest !== undefined) entries.delete(oldest)
    return result
  }
  return { get, size: () => entries.size }
}
