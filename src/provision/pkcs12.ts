/**
 * PKCS#12 (RFC 7292): key, certificate and chain in one file behind a password, in two forms. `modern` is what OpenSSL 3, Java
 * 17 and today's systems read; `legacy` is for devices that read nothing newer, and protects little more than by its password.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { PortcullisError, problem } from '../problem.ts'

/** Ways to write the file. */
export const pkcs12Forms = ['modern', 'legacy'] as const

export type Pkcs12Form = (typeof pkcs12Forms)[number]

/** What goes into the file. */
export interface Pkcs12Content {
  /** What a program that shows the file calls the entry: BMP characters. */
  readonly friendlyName: string
  /** PKCS#8, PEM, not encrypted. */
  readonly keyPem: string
  readonly leafDer: Uint8Array
  /** Issuing CA first. */
  readonly chainPem: readonly string[]
  /** Printable ASCII: programs do not agree on the bytes of anything else. */
  readonly password: string
  /** It was made here, of 128 bits or more: no guess is made dearer by counting, and thousands of files wait for it. */
  readonly isPasswordRandom: boolean
}

/** The same as DER, and how key and leaf find each other. */
export interface Pkcs12Parts {
  readonly friendlyName: string
  readonly keyDer: Buffer
  readonly leafDer: Uint8Array
  readonly chainDer: readonly Uint8Array[]
  readonly password: string
  /** How often a hash is taken for each try of a password; `legacy` has its own count. */
  readonly iterations: number
  readonly localKeyId: Buffer
}

/**
 * The bytes of the file. Throws PortcullisError `provision/pkcs12-password` where the password is short or not ASCII,
 * `provision/pkcs12-needs-rsa` where the key is an elliptic one and the form `legacy`, `provision/not-a-ca` where key and
 * certificate do not fit.
 * @example await writePkcs12('modern', { friendlyName: 'pump-12', keyPem, leafDer, chainPem: [issuingPem], password, isPasswordRandom })
 */
export async function writePkcs12(form: Pkcs12Form, content: Pkcs12Content): Promise<Buffer> {
  requirePassword(content.password)
  const key = createPrivateKey(content.keyPem)
  if (!new X509Certificate(content.leafDer).checkPrivateKey(key)) {
    throw refused('provision/not-a-ca', 'the key of the file would not be the one of its certificate')
  }
  if (form === 'legacy') requireRsa(key.asymmetricKeyType)
  const parts: Pkcs12Parts = {
    friendlyName: content.friendlyName,
    keyDer: key.export({ type: 'pkcs8', format: 'der' }),
    leafDer: content.leafDer,
    chainDer: content.chainPem.map(pem => new X509Certificate(pem).raw),
    password: content.password,
    iterations: content.isPasswordRandom ? iterationsOfRandom : iterations,
    // what OpenSSL takes as well; any octets do, if key and certificate have the same
    localKeyId: createHash('sha1').update(content.leafDer).digest(),
  }
  // only who asks for such a file waits until its library is loaded
  if (form === 'legacy') return (await import('./pkcs12-legacy.ts')).writeLegacyPkcs12(parts)
  return (await import('./pkcs12-modern.ts')).writeModernPkcs12(parts)
}

/** Throws where an elliptic key would go into a `legacy` file: what reads only such a file cannot use one. */
export function requireRsa(keyType: string | undefined): void {
  if (keyType?.startsWith('rsa')) return
  throw refused('provision/pkcs12-needs-rsa', 'a legacy PKCS#12 file needs an RSA key', 'make one with --key rsa2048')
}

const minLength = 8
/** A quarter of a second of one processor for a file; a guess at a password that a person chose repeats one of the three. */
const iterations = 100_000
/** What OpenSSL takes. */
const iterationsOfRandom = 2048

/** Throws where programs would not agree on what the password is, or where anybody could guess it. */
export function requirePassword(password: string): void {
  const help = 'use 8 to 256 letters, digits, signs and blanks of ASCII, or let one be made'
  if (password.length < minLength || password.length > 256)
    throw refused(
      'provision/pkcs12-password',
      `the password of a PKCS#12 file has ${minLength} to 256 characters`,
      help,
    )
  if (!/^[ -~]+$/.test(password))
    throw refused('provision/pkcs12-password', 'the password of a PKCS#12 file must be ASCII', help)
}

function refused(
  code: 'provision/not-a-ca' | 'provision/pkcs12-needs-rsa' | 'provision/pkcs12-password',
  sentence: string,
  help?: string,
): PortcullisError {
  return new PortcullisError([problem(code, sentence, { help })])
}
