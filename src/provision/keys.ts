/** Key pairs and signatures of the authority: P-256 everywhere unless another type is asked for. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { PortcullisError, problem } from '../problem.ts'
import { nullValue, oid, sequence } from './der.ts'

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** Keys that can be made here. */
export const keyTypes = ['p256', 'p384', 'rsa2048', 'rsa3072', 'rsa4096'] as const

export type KeyType = (typeof keyTypes)[number]

export function createKeys(type: KeyType = 'p256'): KeyPair {
  if (type === 'p256' || type === 'p384') {
    return generateKeyPairSync('ec', { namedCurve: type === 'p256' ? 'P-256' : 'P-384' })
  }
  return generateKeyPairSync('rsa', { modulusLength: Number(type.slice(3)), publicExponent: 0x10001 })
}

/** PKCS#8; with a passphrase encrypted (PBES2: AES-256-CBC, PBKDF2). */
export function keyPem(key: KeyObject, passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return String(key.export({ type: 'pkcs8', format: 'pem', ...encryption }))
}

/** OpenSSL takes long to write a key, and one certificate asks for it several times. */
const written = new WeakMap<KeyObject, Buffer>()

/** SubjectPublicKeyInfo, DER (RFC 5280 §4.1.2.7). Not to be written to. */
export function spkiOf(key: KeyObject): Buffer {
  const known = written.get(key)
  if (known !== undefined) return known
  const der = key.export({ type: 'spki', format: 'der' })
  written.set(key, der)
  return der
}

/** For a key that another thread has made, and written already. */
export function rememberSpki(key: KeyObject, spki: Uint8Array): void {
  written.set(key, Buffer.from(spki.buffer, spki.byteOffset, spki.length))
}

/** SHA-256 of the SubjectPublicKeyInfo, lower-case hex: what revocations and the ledger know a key by. */
export function keyHashOf(publicKey: KeyObject): string {
  return createHash('sha256').update(spkiOf(publicKey)).digest('hex')
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

/** The signature algorithm that fits the CA's key (RFC 5758 §3.2, RFC 4055 §5), never a hash shorter than the curve. */
export function schemeOf(privateKey: KeyObject): SignatureScheme {
  const { namedCurve, modulusLength = 0 } = privateKey.asymmetricKeyDetails ?? {}
  if (privateKey.asymmetricKeyType === 'rsa' && modulusLength >= 2048) {
    const algorithm = sequence(oid('1.2.840.113549.1.1.11'), nullValue())
    return { algorithm, sign: bytes => sign('sha256', bytes, privateKey) }
  }
  const scheme = ecdsaSchemes[namedCurve ?? '']
  if (scheme === undefined) {
    const sentence = 'an authority needs a P-256, P-384 or P-521 key, or RSA of 2048 bits or more'
    throw new PortcullisError([problem('provision/not-a-ca', sentence)])
  }
  return { algorithm: sequence(oid(scheme.oid)), sign: bytes => sign(scheme.hash, bytes, privateKey) }
}

/** RFC 7468: 64 columns, one label, a final newline. */
export function toPem(label: 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'X509 CRL', der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
