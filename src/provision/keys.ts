/** Key pairs and signatures of the authority: P-256 everywhere unless the caller brings keys of its own. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { PortcullisError, problem } from '../problem.ts'
import { oid, sequence } from './der.ts'

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export function createKeys(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** PKCS#8, unencrypted. */
export function keyPem(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }))
}

export function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' })
}

/** Leftmost 160 bits of SHA-256 over the SubjectPublicKeyInfo (RFC 7093 §2 method 4; RFC 5280 §4.2.1.2 leaves it open). */
export function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha256').update(spkiOf(publicKey)).digest().subarray(0, 20)
}

export interface SignatureScheme {
  readonly algorithm: Buffer
  readonly sign: (bytes: Uint8Array) => Buffer
}

const ecdsaSchemes: Readonly<Record<string, { readonly oid: string; readonly hash: string }>> = {
  prime256v1: { oid: '1.2.840.10045.4.3.2', hash: 'sha256' },
  secp384r1: { oid: '1.2.840.10045.4.3.3', hash: 'sha384' },
  secp521r1: { oid: '1.2.840.10045.4.3.4', hash: 'sha512' },
}

/** The signature algorithm that fits the CA's curve (RFC 5758 §3.2), never a shorter hash. */
export function schemeOf(privateKey: KeyObject): SignatureScheme {
  const scheme = ecdsaSchemes[privateKey.asymmetricKeyDetails?.namedCurve ?? '']
  if (scheme === undefined) {
    throw new PortcullisError([problem('provision/not-a-ca', 'an authority needs a P-256, P-384 or P-521 key')])
  }
  return { algorithm: sequence(oid(scheme.oid)), sign: bytes => sign(scheme.hash, bytes, privateKey) }
}

/** RFC 7468: 64 columns, one label, a final newline. */
export function toPem(label: 'CERTIFICATE' | 'X509 CRL', der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
