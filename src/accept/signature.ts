/**
 * The signature algorithms and keys that a CA may have: P-256, P-384, P-521, Ed25519 or RSA of 2,048 bits or more, with
 * SHA-256 or better (docs/semantics.md 1.3). Whatever is not in the table is refused.
 */
import { type KeyObject, verify } from 'node:crypto'
import { DerError, readOnly, tag } from './der.ts'
import { readAlgorithm } from './der-structures.ts'

interface SignatureAlgorithm {
  readonly keyType: 'rsa' | 'ec' | 'ed25519'
  /** Digest that `crypto.verify` wants; null where the algorithm brings its own. */
  readonly digest: string | null
}

/** RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3. */
const algorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['1.2.840.113549.1.1.11', { keyType: 'rsa', digest: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keyType: 'rsa', digest: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keyType: 'rsa', digest: 'sha512' }],
  ['1.2.840.10045.4.3.2', { keyType: 'ec', digest: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keyType: 'ec', digest: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keyType: 'ec', digest: 'sha512' }],
  ['1.3.101.112', { keyType: 'ed25519', digest: null }],
])

const curves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const minimumRsaBits = 2048

/** Whether signatures of this algorithm are accepted at all. */
export function isAcceptedAlgorithm(oid: string): boolean {
  return algorithms.has(oid)
}

/** What is wrong with a CA's key; undefined where it is strong enough. */
export function keyWeakness(key: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'ed25519') return undefined
  if (type === 'ec') {
    return curves.has(details?.namedCurve ?? '')
      ? undefined
      : `the curve ${details?.namedCurve ?? 'of its key'} is not P-256, P-384 or P-521`
  }
  if (type !== 'rsa') return `keys of type ${type ?? 'unknown'} are not accepted`
  const bits = details?.modulusLength ?? 0
  return bits >= minimumRsaBits ? undefined : `its RSA key has ${bits} bits, fewer than ${minimumRsaBits}`
}

/** Verifies a signature over `tbs`; false also where key and algorithm do not belong together. */
export function verifySignature(oid: string, tbs: Buffer, signature: Buffer, key: KeyObject): boolean {
  const algorithm = algorithms.get(oid)
  if (algorithm === undefined || key.asymmetricKeyType !== algorithm.keyType) return false
  try {
    return verify(algorithm.digest, tbs, key, signature)
  } catch {
    return false
  }
}

/** The OID of the two AlgorithmIdentifiers of a signed structure, which must be equal (RFC 5280 §4.1.1.2, §5.1.1.2). */
export function requireSameAlgorithm(inner: Buffer, outer: Buffer): string {
  if (!inner.equals(outer)) throw new DerError('two different signature algorithms, inside and outside')
  return readOnly(outer, tag.sequence, readAlgorithm).oid
}
