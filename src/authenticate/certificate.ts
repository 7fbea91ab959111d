/**
 * Certificates: DER in, plain immutable data out. Read by our own strict reader, not by a library: OpenSSL has verified
 * the signature by now, and what is left to decide (string types, duplicates, trailing octets) is what libraries hide.
 */
import { createHash } from 'node:crypto'
import { DerError, type DerReader, readOnly, tag } from '../accept/der.ts'
import { readAlgorithm } from '../accept/der-structures.ts'
import { integerHex, smallInteger, takeTime, wholeOctets } from '../accept/der-values.ts'
import type { FieldName, FieldValue } from '../policy/model.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import { type PublicKeyInfo, readPublicKey, type SignatureHash, signatureHashOf } from './algorithms.ts'
import { type ExtensionFacts, factsOf, takeExtensionList } from './extensions.ts'
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
    return ok(readCertificate(new Uint8Array(der), fingerprint))
  } catch (error) {
    const detail = error instanceof DerError ? error.message : 'it cannot be read'
    return fail(problem('authenticate/unparsable-certificate', `the certificate is not strict DER: ${detail}`))
  }
}

/** Certificate (RFC 5280 §4.1). */
function readCertificate(der: Uint8Array, fingerprint: string): Certificate {
  const [tbs, outerAlgorithm] = readOnly(der, tag.sequence, certificate => {
    const parts = [certificate.takeWhole(tag.sequence), certificate.takeWhole(tag.sequence)] as const
    wholeOctets(certificate.take(tag.bitString))
    return parts
  })
  const content = readOnly(tbs, tag.sequence, readTbs)
  const { algorithm, serial, extensions, publicKey } = content
  const { subjectAltName, subjectKeyId, authorityKeyId } = extensions
  // §4.1.1.2: the two must be the same, else the signature covers another algorithm than the one used
  if (!algorithm.equals(outerAlgorithm)) throw new DerError('the two signature algorithms differ')
  const [issuerAttributes, subjectAttributes] = [readName(content.issuerName), readName(content.subjectName)]
  // each by its name: a spread costs more than reading all of the octets
  return {
    der,
    fingerprint,
    serial,
    version: content.version,
    notBefore: content.notBefore,
    notAfter: content.notAfter,
    issuerName: plain(content.issuerName),
    subjectName: plain(content.subjectName),
    publicKey: {
      algorithm: publicKey.algorithm,
      curve: publicKey.curve,
      bits: publicKey.bits,
      der: plain(publicKey.der),
    },
    keyUsage: extensions.keyUsage,
    extendedKeyUsage: extensions.extendedKeyUsage,
    basicConstraints: extensions.basicConstraints,
    subjectKeyId: subjectKeyId && plain(subjectKeyId),
    authorityKeyId: authorityKeyId && plain(authorityKeyId),
    unknownCriticalExtensions: extensions.unknownCriticalExtensions,
    duplicateExtensions: extensions.duplicateExtensions,
    signatureHash: signatureHashOf(readOnly(algorithm, tag.sequence, readAlgorithm)),
    values: group([
      ...nameFields('subject', subjectAttributes),
      ...nameFields('issuer', issuerAttributes),
      ...(subjectAltName === undefined ? [] : alternativeNameFields(subjectAltName)),
      ['serial', derived(serial)],
      ['fingerprint.sha256', derived(fingerprint)],
    ]),
    subjectText: displayName(subjectAttributes),
    issuerText: displayName(issuerAttributes),
  }
}

/** The same octets without the methods of a Buffer: whoever gets a certificate is promised no more. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

interface TbsContent extends Pick<Certificate, 'serial' | 'version' | 'notBefore' | 'notAfter' | 'publicKey'> {
  readonly algorithm: Buffer
  readonly issuerName: Buffer
  readonly subjectName: Buffer
  readonly extensions: ReturnType<typeof factsOf>
}

/** TBSCertificate (RFC 5280 §4.1). Unique identifiers, which §4.1.2.8 bans, are left over, and so refused. */
function readTbs(tbs: DerReader): TbsContent {
  const version = tbs.insideOptional(tag.context(0), wrapper => smallInteger(wrapper.take(tag.integer))) ?? 0
  const serial = readSerial(tbs.take(tag.integer))
  const algorithm = tbs.takeWhole(tag.sequence)
  const issuerName = tbs.takeWhole(tag.sequence)
  const validity = tbs.inside(tag.sequence, times => ({ notBefore: takeTime(times), notAfter: takeTime(times) }))
  const subjectName = tbs.takeWhole(tag.sequence)
  const publicKey = readPublicKey(tbs.takeWhole(tag.sequence))
  const extensions = factsOf(tbs.insideOptional(tag.context(3), takeExtensionList) ?? [])
  const { notBefore, notAfter } = validity
  return {
    version: version + 1,
    serial,
    algorithm,
    issuerName,
    notBefore,
    notAfter,
    subjectName,
    publicKey,
    extensions,
  }
}

/** §4.1.2.2: a positive integer of at most 20 octets. */
function readSerial(contents: Buffer): string {
  const serial = integerHex(contents)
  if (contents.length > 20 || serial === '00') throw new DerError('the serial number is zero or too long')
  return serial
}

function derived(text: string): FieldValue {
  return { text, stringType: 'printable', inMultiValuedRdn: false }
}

function group(entries: readonly (readonly [FieldName, FieldValue])[]): ReadonlyMap<FieldName, readonly FieldValue[]> {
  const values = new Map<FieldName, FieldValue[]>()
  for (const [field, value] of entries) {
    const known = values.get(field)
    if (known === undefined) values.set(field, [value])
    else known.push(value)
  }
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
