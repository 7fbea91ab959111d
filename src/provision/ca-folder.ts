/**
 * An authority as a folder: `root.pem`, `root.key`, `issuing.pem`, `issuing.key`, `ledger.db` and `NAME.crl`. It appears whole
 * or not at all. Only the issuing key is needed afterwards; `root.key` is best moved offline.
 */
import { X509Certificate } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Certificate, parseCertificate } from '../authenticate/certificate.ts'
import { ConfigurationError, PortcullisError, problem } from '../problem.ts'
import { type Authority, createIssuing, createRoot, openAuthority } from './authority.ts'
import { publishCrl } from './crl-file.ts'
import { createKeys, type KeyType, keyHashOf, keyPem } from './keys.ts'
import { type Ledger, type LedgerOptions, openLedger } from './ledger.ts'
import { createLedgerFile } from './ledger-file.ts'
import type { SubjectAttribute } from './names.ts'
import { writeAtomically } from './write-atomically.ts'

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

/** An authority without its keys: what everybody may see. */
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
}

/** An authority that can sign. */
export interface OpenCa extends CaFolder {
  readonly authority: Authority
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
  const subject = (what: string): readonly SubjectAttribute[] => [
    ['O', ca.name],
    ['CN', `${ca.name} ${what}`],
  ]
  const { now } = options
  const make = (what: string, validDays: number) => ({
    subject: subject(what),
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

/** Reads the certificates of an authority. Throws ConfigurationError where the folder does not hold them. */
export async function readCa(folder: string): Promise<CaFolder> {
  const path = resolve(folder)
  const [root, issuing] = [
    await readCertificate(join(path, 'root.pem')),
    await readCertificate(join(path, 'issuing.pem')),
  ]
  const name = issuing.certificate.values.get('subject.o')?.[0]?.text
  if (name === undefined || !isCaName(name) || !issuing.x509.verify(root.x509.publicKey)) {
    throw notAnAuthority(join(path, 'issuing.pem'), 'the certificate is no issuing CA of this root')
  }
  return {
    folder: path,
    name,
    root: root.certificate,
    issuing: issuing.certificate,
    rootPem: root.x509.toString(),
    issuingPem: issuing.x509.toString(),
    issuerKeyId: keyHashOf(issuing.x509.publicKey),
    crlFile: join(path, `${name}.crl`),
    issuingKeyFile: join(path, 'issuing.key'),
  }
}

/** It becomes a file name and a key of the configuration. */
export function isCaName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name)
}

async function readCertificate(
  file: string,
): Promise<{ readonly certificate: Certificate; readonly x509: X509Certificate }> {
  const pem = await readText(file)
  const x509 = attempt(() => new X509Certificate(pem))
  const parsed = x509 && parseCertificate(x509.raw)
  if (x509 === undefined || !parsed?.ok) throw notAnAuthority(file, 'the file holds no certificate')
  return { certificate: parsed.value, x509 }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw notAnAuthority(file, `the file cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined // what is wrong with it is told by whoever asked
  }
}

function notAnAuthority(file: string, sentence: string): ConfigurationError {
  const help = 'name the folder of `portcullis ca create` with --ca DIR'
  return new ConfigurationError([problem('provision/not-a-ca', sentence, { where: { file }, help })])
}

/** Whether the issuing key wants a passphrase. */
export async function isKeyEncrypted({ issuingKeyFile }: CaFolder): Promise<boolean> {
  return (await readText(issuingKeyFile)).includes('ENCRYPTED PRIVATE KEY')
}

/** Opens an authority for signing, with its ledger. */
export async function openCa(folder: string, passphrase: string | undefined, options: LedgerOptions): Promise<OpenCa> {
  const ca = await readCa(folder)
  const key = await readText(ca.issuingKeyFile)
  const authority = openIssuing(ca, key, passphrase)
  return { ...ca, authority, ledger: openCaLedger(ca, options), now: options.now }
}

function openIssuing(ca: CaFolder, key: string, passphrase: string | undefined): Authority {
  try {
    return openAuthority(ca.issuingPem, key, passphrase)
  } catch (error) {
    if (error instanceof PortcullisError) {
      const [first] = error.problems
      throw first === undefined ? error : new PortcullisError([{ ...first, where: { file: ca.issuingKeyFile } }])
    }
    throw notAnAuthority(ca.issuingKeyFile, 'the file holds no private key')
  }
}

/** The ledger of an authority. */
export function openCaLedger({ folder }: CaFolder, options: LedgerOptions): Ledger {
  return openLedger(join(folder, 'ledger.db'), options)
}

/** Throws where the issuing CA or its root is not valid now: what it signs would be refused. */
export function requireValid({ issuing, root, now }: OpenCa): void {
  const nowMs = now().getTime()
  for (const { notBefore, notAfter, subjectText } of [issuing, root]) {
    if (nowMs >= notBefore && nowMs <= notAfter) continue
    const [from, to] = [new Date(notBefore).toISOString(), new Date(notAfter).toISOString()]
    const sentence = `${subjectText} is valid from ${from} to ${to}, and it is ${new Date(nowMs).toISOString()} here`
    const help = 'correct the clock of this machine, or create a new authority'
    throw new PortcullisError([problem('provision/ca-expired', sentence, { help })])
  }
}

/** Latest end of a certificate that lives for `days` from now. */
export function endAfter(now: Date, days: number): Date {
  return new Date(now.getTime() + days * dayMs)
}
