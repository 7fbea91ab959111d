/**
 * An authority as a folder: `root.pem`, `root.key`, one or more issuing CAs (`issuing-cas.ts`) and `ledger.db`. It appears
 * whole or not at all. Only the issuing keys are needed afterwards; `root.key` is best moved offline.
 */
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Certificate } from '../authenticate/certificate.ts'
import { PortcullisError, problem } from '../problem.ts'
import { type Authority, createIssuing, createRoot } from './authority.ts'
import { publishCrl } from './crl-file.ts'
import { generationsIn, type IssuingCa, notAnAuthority, readCertificateFile, readIssuingCa } from './issuing-cas.ts'
import { createKeys, type KeyType, keyPem } from './keys.ts'
import { type Ledger, type LedgerOptions, openLedger } from './ledger.ts'
import { createLedgerFile } from './ledger-file.ts'
import type { SubjectAttribute } from './names.ts'
import { isKeyFileEncrypted, openWithKey } from './open-key.ts'
import { writeAtomically } from './write-atomically.ts'

export { isCaName } from './issuing-cas.ts'

const dayMs = 86_400_000

export interface NewCa {
  /** Names the organisation, the CRL and the issuer in the configuration. */
  readonly name: string
  readonly keyType: KeyType
  /** Undefined: the keys are not encrypted. */
  readonly passphrase: string | undefined
  readonly rootDays: number
  readonly issuingDays: number
  readonly crlDays: number
}

/** An authority without its keys: what everybody may see. What is said of one issuing CA is said of the one that signs. */
export interface CaFolder {
  /** Absolute. */
  readonly folder: string
  readonly name: string
  readonly root: Certificate
  readonly issuing: Certificate
  readonly rootPem: string
  readonly issuingPem: string
  /** SHA-256 of the issuing public key, hex: what the ledger knows the authority by. */
  readonly issuerKeyId: string
  readonly crlFile: string
  readonly issuingKeyFile: string
  /** Every issuing CA that is not retired, oldest first; the last one signs. */
  readonly issuingCas: readonly IssuingCa[]
}

/** An issuing CA that can sign: certificates if it is the latest, else its CRL until its last certificate has ended. */
export interface Signer extends IssuingCa {
  readonly authority: Authority
}

/** An authority that can sign. */
export interface OpenCa extends CaFolder {
  readonly authority: Authority
  /** One for each of `issuingCas`. */
  readonly signers: readonly Signer[]
  readonly ledger: Ledger
  readonly now: () => Date
}

/** Makes the folder with root, issuing CA, an empty ledger and an empty CRL. Nothing is overwritten. */
export async function createCa(folder: string, ca: NewCa, options: LedgerOptions): Promise<CaFolder> {
  const path = resolve(folder)
  await requireEmpty(path)
  await mkdir(dirname(path), { recursive: true })
  const fresh = await mkdtemp(join(dirname(path), `.${basename(path)}.new-`))
  try {
    await fill(fresh, ca, options)
    await rename(fresh, path) // onto an empty folder at most
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    throw error
  }
  return readCa(path)
}

async function requireEmpty(path: string): Promise<void> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.length === 0) return
  const help = 'name another folder with --ca DIR: the keys of an authority are never overwritten'
  throw new PortcullisError([
    problem('provision/file-exists', 'the folder is there already, and not empty', { where: { file: path }, help }),
  ])
}

async function fill(folder: string, ca: NewCa, options: LedgerOptions): Promise<void> {
  await chmod(folder, 0o700)
  const { now } = options
  const make = (what: string, validDays: number) => ({
    subject: caSubject(ca.name, what),
    now,
    validDays,
    keys: createKeys(ca.keyType),
  })
  const root = createRoot(make('root', ca.rootDays))
  const issuing = createIssuing(root, make('issuing', ca.issuingDays))
  if (issuing.notAfter > root.notAfter) {
    throw new PortcullisError([problem('provision/bad-validity', 'the issuing certificate would outlive its root')])
  }
  for (const [name, one] of Object.entries({ root, issuing })) {
    await writeAtomically(join(folder, `${name}.key`), keyPem(one.keys.privateKey, ca.passphrase), 0o600)
    await writeAtomically(join(folder, `${name}.pem`), one.pem)
  }
  createLedgerFile(join(folder, 'ledger.db'))
  const opened = await openCa(folder, ca.passphrase, options)
  try {
    await publishCrl(opened, ca.crlDays)
  } finally {
    opened.ledger.close()
  }
}

/** `O=acme, CN=acme issuing`. */
export function caSubject(name: string, what: string): readonly SubjectAttribute[] {
  return [
    ['O', name],
    ['CN', `${name} ${what}`],
  ]
}

/** Reads the certificates of an authority. Throws ConfigurationError where the folder does not hold them. */
export async function readCa(folder: string): Promise<CaFolder> {
  const path = resolve(folder)
  const root = await readCertificateFile(join(path, 'root.pem'))
  const issuingCas: IssuingCa[] = []
  for (const generation of await generationsIn(path)) {
    issuingCas.push(await readIssuingCa(path, generation, root.x509))
  }
  const signing = issuingCas.at(-1)
  if (signing === undefined) throw notAnAuthority(join(path, 'issuing.pem'), 'the authority has no issuing CA')
  return {
    folder: path,
    name: signing.name,
    root: root.certificate,
    issuing: signing.certificate,
    rootPem: root.x509.toString(),
    issuingPem: signing.pem,
    issuerKeyId: signing.issuerKeyId,
    crlFile: signing.crlFile,
    issuingKeyFile: signing.keyFile,
    issuingCas,
  }
}

/** Whether an issuing key wants a passphrase. */
export async function isKeyEncrypted({ issuingCas }: CaFolder): Promise<boolean> {
  for (const { keyFile } of issuingCas) if (await isKeyFileEncrypted(keyFile)) return true
  return false
}

/** Opens an authority for signing, with its ledger. */
export async function openCa(folder: string, passphrase: string | undefined, options: LedgerOptions): Promise<OpenCa> {
  const ca = await readCa(folder)
  const signers: Signer[] = []
  for (const one of ca.issuingCas) {
    signers.push({ ...one, authority: await openWithKey(one.pem, one.keyFile, passphrase) })
  }
  const signing = signers.at(-1)
  if (signing === undefined) throw new TypeError('an authority has an issuing CA')
  return { ...ca, signers, authority: signing.authority, ledger: openCaLedger(ca, options), now: options.now }
}

/** The ledger of an authority. */
export function openCaLedger({ folder }: CaFolder, options: LedgerOptions): Ledger {
  return openLedger(join(folder, 'ledger.db'), options)
}

/** Throws where the issuing CA or its root is not valid now: what it signs would be refused. */
export function requireValid({ issuing, root, now }: OpenCa): void {
  for (const one of [issuing, root]) requireValidNow(one, now())
}

/** Throws where a CA certificate is not valid now. */
export function requireValidNow({ notBefore, notAfter, subjectText }: Certificate, now: Date): void {
  const nowMs = now.getTime()
  if (nowMs >= notBefore && nowMs <= notAfter) return
  const [from, to] = [new Date(notBefore).toISOString(), new Date(notAfter).toISOString()]
  const sentence = `${subjectText} is valid from ${from} to ${to}, and it is ${now.toISOString()} here`
  const help = 'correct the clock of this machine, or renew what has ended: portcullis ca renew'
  throw new PortcullisError([problem('provision/ca-expired', sentence, { help })])
}

/** Latest end of a certificate that lives for `days` from now. */
export function endAfter(now: Date, days: number): Date {
  return new Date(now.getTime() + days * dayMs)
}
