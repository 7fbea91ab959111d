/**
 * A certificate authority in memory: root, issuing CA, leaves and CRLs in four fixed profiles that OpenSSL's
 * `-x509_strict`, GnuTLS, Node and mosquitto all accept. Certificates are written as DER directly (`der.ts`): no string
 * is parsed into a name, and BasicConstraints and KeyUsage are always critical. Storage is the caller's.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { parseCertificate } from '../authenticate/certificate.ts'
import { PortcullisError, type ProblemCode, problem } from '../problem.ts'
import { type CrlContent, encodeTbsCrl } from './crl-writer.ts'
import { bitString, context, integer, sequence, time } from './der.ts'
import { createKeys, type KeyPair, keyIdOf, keyPem, schemeOf, spkiOf, toPem } from './keys.ts'
import { type AlternativeNames, encodeAlternativeNames, encodeName, type SubjectAttribute } from './names.ts'
import { type Profile, profileExtensions } from './profiles.ts'

export interface SignedCertificate {
  readonly der: Buffer
  readonly pem: string
  /** Lower case, without leading zero octets. */
  readonly serialHex: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A signed certificate whose private key is here too. */
export interface IssuedCertificate extends SignedCertificate {
  readonly keys: KeyPair
  /** PKCS#8. */
  readonly keyPem: string
}

export interface Authority extends IssuedCertificate {
  /** Subject, as DER: the issuer name of everything that it signs. */
  readonly name: Uint8Array
  /** Its subject key identifier: the authority key identifier of everything that it signs. */
  readonly keyId: Uint8Array
}

export interface AuthorityOptions {
  readonly subject: readonly SubjectAttribute[]
  readonly now: () => Date
  readonly validDays: number
  readonly keys?: KeyPair
}

export interface LeafOptions {
  readonly profile: 'server' | 'device'
  readonly subject: readonly SubjectAttribute[]
  readonly sans?: AlternativeNames
  readonly notBefore: Date
  readonly notAfter: Date
  /** Without them a P-256 pair is made. */
  readonly keys?: KeyPair
}

/** A leaf whose private key is elsewhere. */
export interface SignedLeafOptions extends Omit<LeafOptions, 'keys'> {
  readonly publicKey: KeyObject
  /** Of `createSerial`. */
  readonly serialHex: string
}

export interface SignedCrl {
  readonly der: Buffer
  readonly pem: string
}

const dayMs = 86_400_000
const clockSkewMs = 5 * 60_000

/** `notBefore` of a certificate made now: five minutes ago, for devices whose clock is a little behind. */
export function notBeforeOf(now: Date): Date {
  return new Date(now.getTime() - clockSkewMs)
}

/** A self-signed root. Its key is best kept offline. */
export function createRoot(options: AuthorityOptions): Authority {
  return createAuthority(options, 'root')
}

/** A CA that issues leaves only (pathLenConstraint 0). */
export function createIssuing(root: Authority, options: AuthorityOptions): Authority {
  return createAuthority(options, 'issuing', root)
}

/** What a CA certificate says of its holder, where the holder's private key is elsewhere or there already. */
export interface CaSubject {
  /** Subject, as DER. */
  readonly name: Uint8Array
  /** Subject key identifier; that of the key's first certificate, so that what it signed before still finds it. */
  readonly keyId: Uint8Array
  readonly publicKey: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A certificate for an issuing CA by its root. Throws where it would outlive the root. */
export function signIssuing(
  root: Pick<Authority, 'name' | 'keyId' | 'keys' | 'notAfter'>,
  ca: CaSubject,
): SignedCertificate {
  requireWithin(root, ca)
  return signCertificate(root, { ...ca, profile: 'issuing', serialHex: createSerial() })
}

/** The root's own certificate anew: same key, same subject, same key identifier. */
export function renewRoot(root: Authority, validity: Pick<CaSubject, 'notBefore' | 'notAfter'>): SignedCertificate {
  const { name, keyId, keys } = root
  const request = { name, keyId, publicKey: keys.publicKey, ...validity, serialHex: createSerial() }
  return signCertificate(root, { ...request, profile: 'root' })
}

function createAuthority(options: AuthorityOptions, profile: 'root' | 'issuing', signer?: Authority): Authority {
  const keys = options.keys ?? createKeys()
  const now = options.now()
  const self = { name: encodeName(options.subject), keyId: keyIdOf(keys.publicKey) }
  const validity = { notBefore: notBeforeOf(now), notAfter: new Date(now.getTime() + options.validDays * dayMs) }
  const issuer = signer ?? { ...self, keys }
  const request = { profile, name: self.name, ...validity, publicKey: keys.publicKey, serialHex: createSerial() }
  return { ...withKeys(signCertificate(issuer, request), keys), ...self }
}

/** A leaf for a server or a device. Throws where the request breaks the profile; nothing is clipped silently. */
export function issueLeaf(ca: Authority, leaf: LeafOptions): IssuedCertificate {
  const keys = leaf.keys ?? createKeys()
  return withKeys(signLeaf(ca, { ...leaf, publicKey: keys.publicKey, serialHex: createSerial() }), keys)
}

/** A leaf for a public key. Throws as `issueLeaf` does. */
export function signLeaf(ca: Signer, leaf: SignedLeafOptions): SignedCertificate {
  return signCertificate(ca, requestOf(ca, leaf))
}

function requestOf(ca: Signer, leaf: SignedLeafOptions): Request {
  requireWithin(ca, leaf)
  const name = encodeName(leaf.subject)
  const alternativeNames = encodeAlternativeNames(leaf.sans ?? {})
  return { ...leaf, name, alternativeNames }
}

function requireWithin(issuer: { readonly notAfter: Date }, { notAfter }: { readonly notAfter: Date }): void {
  if (notAfter <= issuer.notAfter) return
  const sentence = `the certificate would outlive its issuer, which ends ${issuer.notAfter.toISOString()}`
  throw refused('provision/bad-validity', sentence)
}

type Signer = Pick<Authority, 'name' | 'keyId' | 'keys' | 'notAfter'>

interface Request {
  readonly profile: Profile
  readonly name: Uint8Array
  readonly alternativeNames?: Uint8Array | undefined
  readonly notBefore: Date
  readonly notAfter: Date
  readonly publicKey: KeyObject
  /** Absent: made from the public key. */
  readonly keyId?: Uint8Array
  readonly serialHex: string
}

/** What is signed, and when it begins and ends. */
function encodeTbs(issuer: Pick<Authority, 'name' | 'keyId' | 'keys'>, request: Request) {
  const [notBefore, notAfter] = [wholeSeconds(request.notBefore), wholeSeconds(request.notAfter)]
  if (notAfter <= notBefore) throw refused('provision/bad-validity', 'the certificate would end before it begins')
  const scheme = schemeOf(issuer.keys.privateKey)
  const ids = { subject: request.keyId ?? keyIdOf(request.publicKey), authority: issuer.keyId }
  const tbs = sequence(
    context(0, integer(2n)),
    integer(BigInt(`0x${request.serialHex}`)),
    scheme.algorithm,
    issuer.name,
    sequence(time(notBefore), time(notAfter)),
    request.name,
    spkiOf(request.publicKey),
    context(3, sequence(...profileExtensions(request.profile, ids, request.alternativeNames))),
  )
  return { tbs, scheme, notBefore, notAfter }
}

function signCertificate(issuer: Pick<Authority, 'name' | 'keyId' | 'keys'>, request: Request): SignedCertificate {
  const { tbs, scheme, notBefore, notAfter } = encodeTbs(issuer, request)
  const der = sequence(tbs, scheme.algorithm, bitString(scheme.sign(tbs)))
  assertVerifies(der, issuer.keys, request.publicKey)
  return { der, pem: toPem('CERTIFICATE', der), serialHex: request.serialHex, notBefore, notAfter }
}

/**
 * The certificate that `signLeaf` would make, without a signature: for whoever asks what would be made of it. Nothing takes it
 * for a certificate.
 */
export function draftLeaf(ca: Signer, leaf: SignedLeafOptions): Buffer {
  const { tbs, scheme } = encodeTbs(ca, requestOf(ca, leaf))
  return sequence(tbs, scheme.algorithm, bitString(Buffer.alloc(1)))
}

function withKeys(signed: SignedCertificate, keys: KeyPair): IssuedCertificate {
  if (!new X509Certificate(signed.der).checkPrivateKey(keys.privateKey)) {
    throw refused('provision/not-a-ca', 'the private key of the subject does not fit its public half')
  }
  return { ...signed, keys, keyPem: keyPem(keys.privateKey) }
}

/** What leaves this module was read back by OpenSSL, its signature and key checked. */
function assertVerifies(der: Buffer, issuer: KeyPair, subject: KeyObject): void {
  const certificate = new X509Certificate(der)
  if (!certificate.verify(issuer.publicKey) || !certificate.publicKey.equals(subject)) {
    throw refused('provision/not-a-ca', 'the key of the authority does not fit its public half')
  }
}

/** Sixteen random octets, the first 01xxxxxx: positive, unpredictable, never short (RFC 5280 §4.1.2.2). */
export function createSerial(random: (size: number) => Buffer = randomBytes): string {
  const octets = random(16)
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40
  return octets.toString('hex')
}

function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000)
}

/** Signs the list of what `ca` has revoked. */
export function signCrl(ca: Authority, content: CrlContent): SignedCrl {
  if (content.nextUpdate <= content.thisUpdate)
    throw refused('provision/bad-validity', 'nextUpdate is not after thisUpdate')
  const scheme = schemeOf(ca.keys.privateKey)
  const tbs = encodeTbsCrl(content, { name: ca.name, keyId: ca.keyId, algorithm: scheme.algorithm })
  const der = sequence(tbs, scheme.algorithm, bitString(scheme.sign(tbs)))
  return { der, pem: toPem('X509 CRL', der) }
}

/** An authority from its files. Throws where the certificate is no CA, the passphrase is wrong or the key not its own. */
export function openAuthority(certificatePem: string, privateKeyPem: string, passphrase?: string): Authority {
  const x509 = new X509Certificate(certificatePem)
  const privateKey = openPrivateKey(privateKeyPem, passphrase)
  const parsed = parseCertificate(x509.raw)
  if (!parsed.ok) throw new PortcullisError([parsed.problem])
  const { value: certificate } = parsed
  if (!x509.ca || certificate.subjectKeyId === undefined || !x509.checkPrivateKey(privateKey)) {
    throw refused('provision/not-a-ca', 'the certificate is no authority, or the key is not its own')
  }
  return {
    der: x509.raw,
    pem: toPem('CERTIFICATE', x509.raw),
    serialHex: certificate.serial,
    notBefore: new Date(certificate.notBefore),
    notAfter: new Date(certificate.notAfter),
    keys: { privateKey, publicKey: createPublicKey(privateKey) },
    keyPem: keyPem(privateKey),
    name: certificate.subjectName,
    keyId: certificate.subjectKeyId,
  }
}

/** Throws where the passphrase is missing or wrong. */
export function openPrivateKey(pem: string, passphrase: string | undefined): KeyObject {
  const isEncrypted = pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')
  if (!isEncrypted) return createPrivateKey(pem)
  if (passphrase === undefined) throw refused('provision/wrong-passphrase', 'the key of the authority is encrypted')
  try {
    return createPrivateKey({ key: pem, passphrase })
  } catch {
    throw refused('provision/wrong-passphrase', 'the passphrase does not open the key of the authority')
  }
}

function refused(code: ProblemCode, sentence: string): PortcullisError {
  return new PortcullisError([problem(code, sentence)])
}
