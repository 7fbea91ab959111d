/**
 * Certificates and keys as files: `NAME.pem` (leaf, then the CA that issued it) and `NAME.key` (PKCS#8, 0600). The key
 * is written first: a kill between the two leaves a pair that does not match, which reading tells.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { chmod, readFile } from 'node:fs/promises'
import { parseCertificate } from '../authenticate/certificate.ts'
import { type Authority, type IssuedCertificate, openAuthority } from './authority.ts'
import { keyPem, toPem } from './keys.ts'
import { encodeName, type SubjectAttribute } from './names.ts'
import { writeAtomically } from './write-atomically.ts'

export interface FilePair {
  readonly certificate: string
  readonly key: string
}

/** Writes the pair; `chain` follows the leaf. */
export async function writePair(files: FilePair, issued: IssuedCertificate, chain = ''): Promise<void> {
  await writeAtomically(files.key, issued.keyPem, 0o600)
  await writeAtomically(files.certificate, issued.pem + chain)
}

/** What a stored certificate must be to be used again. */
export interface Expected {
  readonly subject: readonly SubjectAttribute[]
  /** Must have signed it; absent: itself. */
  readonly issuer?: Authority
  /** It must be valid now and until then. */
  readonly now: Date
  readonly validUntil: Date
}

/** The stored authority, or undefined where a file is missing, broken, or not what is expected. */
export async function readAuthority(files: FilePair, expected: Expected): Promise<Authority | undefined> {
  const texts = await readTexts(files)
  if (texts === undefined) return undefined
  const authority = attempt(() => openAuthority(texts.certificate, texts.key))
  if (authority === undefined || texts.certificate !== authority.pem) return undefined
  return fits(authority, expected) ? authority : undefined
}

/** The stored leaf, or undefined where a file is missing, broken, or not what is expected. */
export async function readLeaf(
  files: FilePair,
  expected: Expected & { readonly issuer: Authority },
): Promise<IssuedCertificate | undefined> {
  const texts = await readTexts(files)
  const leaf = texts && attempt(() => openLeaf(texts.certificate, texts.key))
  if (leaf === undefined || texts?.certificate !== leaf.pem + expected.issuer.pem) return undefined
  return fits(leaf, expected) ? leaf : undefined
}

/** Reads both files, and makes sure on the way that the key is nobody else's to read. */
async function readTexts(files: FilePair): Promise<{ readonly certificate: string; readonly key: string } | undefined> {
  try {
    await chmod(files.key, 0o600)
    return { certificate: await readFile(files.certificate, 'utf8'), key: await readFile(files.key, 'utf8') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined // whatever is wrong with it, it is made anew
  }
}

function openLeaf(certificatePem: string, privateKeyPem: string): IssuedCertificate | undefined {
  const x509 = new X509Certificate(certificatePem)
  const parsed = parseCertificate(x509.raw)
  const privateKey = createPrivateKey(privateKeyPem)
  if (!parsed.ok || !x509.checkPrivateKey(privateKey)) return undefined
  return {
    der: x509.raw,
    pem: toPem('CERTIFICATE', x509.raw),
    serialHex: parsed.value.serial,
    notBefore: new Date(parsed.value.notBefore),
    notAfter: new Date(parsed.value.notAfter),
    keys: { privateKey, publicKey: createPublicKey(privateKey) },
    keyPem: keyPem(privateKey),
  }
}

function fits(issued: IssuedCertificate, { subject, issuer, now, validUntil }: Expected): boolean {
  const x509 = new X509Certificate(issued.der)
  const parsed = parseCertificate(issued.der)
  const isNamed = parsed.ok && encodeName(subject).equals(parsed.value.subjectName)
  const isSigned = x509.verify(issuer?.keys.publicKey ?? issued.keys.publicKey)
  const isIssued = issuer === undefined || x509.checkIssued(new X509Certificate(issuer.der))
  return isNamed && isSigned && isIssued && issued.notBefore <= now && issued.notAfter >= validUntil
}
