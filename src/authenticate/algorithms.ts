/** Public keys and signature algorithms of certificates, reduced to what the rules judge. */
import {
  cursor,
  DerError,
  type DerValue,
  derTags,
  readAll,
  readBits,
  readOid,
  readOne,
  readUnsigned,
} from './der-reader.ts'

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

/** The hash of an AlgorithmIdentifier; undefined where it is none that Portcullis knows. */
export function readSignatureHash(algorithm: DerValue): SignatureHash | undefined {
  const [id, parameters] = readAll(algorithm.content)
  if (id === undefined) throw new DerError('an algorithm has no identifier')
  const name = readOid(id)
  return name === rsaPss ? readPssHash(parameters) : signatures[name]
}

/** RFC 4055 §3.1: without parameters, or without a hash in them, RSASSA-PSS means SHA-1. */
function readPssHash(parameters: DerValue | undefined): SignatureHash | undefined {
  const hash = parameters && readAll(parameters.content).find(part => part.tag === 0xa0)
  if (hash === undefined) return 'sha1'
  const [id] = readAll(readOne(hash.content, derTags.sequence).content)
  return id === undefined ? undefined : hashes[readOid(id)]
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7; RFC 3279, 5480, 8410 for the algorithms). */
export function readPublicKey(spki: DerValue): PublicKeyInfo {
  const parts = cursor(spki.content)
  const [id, parameters] = readAll(parts.take(derTags.sequence).content)
  const key = readBits(parts.take(derTags.bitString))
  parts.end()
  if (id === undefined) throw new DerError('a public key has no algorithm')
  const base = { curve: undefined, bits: undefined, der: spki.whole }
  switch (readOid(id)) {
    case '1.2.840.10045.2.1':
      return { ...base, algorithm: 'ec', curve: readCurve(parameters) }
    case '1.2.840.113549.1.1.1':
      return { ...base, algorithm: 'rsa', bits: readModulusBits(key.octets) }
    case '1.3.101.112':
      return { ...base, algorithm: 'ed25519' }
    default:
      return { ...base, algorithm: 'other' }
  }
}

/** RFC 5480 §2.1.1: only named curves; explicit parameters let a stranger choose the generator (CVE-2020-0601). */
function readCurve(parameters: DerValue | undefined): string {
  if (parameters?.tag !== derTags.oid) return 'explicit'
  const id = readOid(parameters)
  return curves[id] ?? id
}

function readModulusBits(key: Uint8Array): number {
  const parts = cursor(readOne(key, derTags.sequence).content)
  const modulus = readUnsigned(parts.take(derTags.integer))
  return modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
}
