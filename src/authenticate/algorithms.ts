/** Public keys and signature algorithms of certificates, reduced to what the rules judge. */
import { type DerElement, DerError, type DerReader, readOnly, readWhole, tag } from '../accept/der.ts'
import { type AlgorithmIdentifier, readAlgorithm } from '../accept/der-structures.ts'
import { integerHex, oidText, wholeOctets } from '../accept/der-values.ts'

export interface PublicKeyInfo {
  readonly algorithm: 'ec' | 'rsa' | 'ed25519' | 'other'
  /** Named curve of an EC key, or its object identifier where it is not one of ours. */
  readonly curve: string | undefined
  /** Length of an RSA modulus. */
  readonly bits: number | undefined
  /** SubjectPublicKeyInfo. */
  readonly der: Uint8Array
}

export type SignatureHash = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'

const keyAlgorithms: Readonly<Record<string, PublicKeyInfo['algorithm']>> = {
  '1.2.840.10045.2.1': 'ec',
  '1.2.840.113549.1.1.1': 'rsa',
  '1.3.101.112': 'ed25519',
}

const curves: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
}

const hashes: Readonly<Record<string, SignatureHash>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

const signatures: Readonly<Record<string, SignatureHash>> = {
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.4': 'md5',
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.3.101.112': 'sha512', // Ed25519 (RFC 8032 §5.1)
}

const rsaPss = '1.2.840.113549.1.1.10'

/** The hash of a signature algorithm; undefined where it is none that Portcullis knows. */
export function signatureHashOf({ oid, parameters }: AlgorithmIdentifier): SignatureHash | undefined {
  return oid === rsaPss ? pssHashOf(parameters) : signatures[oid]
}

/** RFC 4055 §3.1: without parameters, or without a hash in them, RSASSA-PSS means SHA-1. */
function pssHashOf(parameters: DerElement | undefined): SignatureHash | undefined {
  if (parameters === undefined) return 'sha1'
  if (parameters.tag !== tag.sequence) throw new DerError('parameters of RSASSA-PSS that are no sequence')
  return readWhole(parameters.contents, contents => {
    const hash = contents.insideOptional(tag.context(0), wrapper => wrapper.inside(tag.sequence, readAlgorithm))
    for (const other of [1, 2, 3]) contents.takeOptional(tag.context(other)) // mask generation, salt length, trailer
    return hash === undefined ? 'sha1' : hashes[hash.oid]
  })
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7; RFC 3279, 5480, 8410 for the algorithms). */
export function readPublicKey(spki: Buffer): PublicKeyInfo {
  const [{ oid, parameters }, key] = readOnly(spki, tag.sequence, parts => [
    parts.inside(tag.sequence, readAlgorithm),
    wholeOctets(parts.take(tag.bitString)),
  ])
  const algorithm = keyAlgorithms[oid] ?? 'other'
  return {
    algorithm,
    curve: algorithm === 'ec' ? curveOf(parameters) : undefined,
    bits: algorithm === 'rsa' ? readOnly(key, tag.sequence, readModulusBits) : undefined,
    der: spki,
  }
}

/** RFC 5480 §2.1.1: only named curves; explicit parameters let a stranger choose the generator (CVE-2020-0601). */
function curveOf(parameters: DerElement | undefined): string {
  if (parameters?.tag !== tag.oid) return 'explicit'
  const id = oidText(parameters.contents)
  return curves[id] ?? id
}

/** RSAPublicKey (RFC 3279 §2.3.1): the length of the modulus; the exponent is for OpenSSL. */
function readModulusBits(key: DerReader): number {
  const modulus = integerHex(key.take(tag.integer))
  integerHex(key.take(tag.integer))
  return modulus.length * 4 - Math.clz32(Number.parseInt(modulus.slice(0, 2), 16)) + 24
}
