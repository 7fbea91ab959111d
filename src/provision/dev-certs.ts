/**
 * `certs-dev/`: a little world of certificates for development, made on first start and kept after. Everything is
 * checked at each start, and what is missing, broken, about to expire or not of this CA is made anew: a start that was
 * killed half way leaves a folder that the next one completes. Not for production: the CA keys lie beside the rest.
 */
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  type Authority,
  createIssuing,
  createRoot,
  type IssuedCertificate,
  issueLeaf,
  type LeafOptions,
  notBeforeOf,
  signCrl,
} from './authority.ts'
import { type FilePair, readAuthority, readLeaf, writePair } from './certificate-files.ts'
import { type DevName, devNames } from './dev-names.ts'
import type { SubjectAttribute } from './names.ts'
import { removeAbandoned, writeAtomically } from './write-atomically.ts'

export interface DevCerts {
  /** Absolute. */
  readonly folder: string
  /** True where this start made the root. */
  readonly created: boolean
  /** Files (without ending) that this start made, or made anew. */
  readonly renewed: readonly string[]
  /** Who one can be: `try --as NAME`. */
  readonly names: readonly DevName[]
  readonly paths: DevPaths
}

export interface DevPaths {
  /** What clients trust: the root. */
  readonly ca: string
  readonly root: string
  readonly issuing: string
  readonly foreignRoot: string
  readonly crl: string
  /** Leaf, then issuing certificate. */
  readonly serverCertificate: string
  readonly serverKey: string
  /** Leaf, then issuing certificate, of a name. */
  readonly certificateOf: (name: string) => string
  readonly keyOf: (name: string) => string
}

interface Workshop {
  readonly folder: string
  readonly now: Date
  readonly renewed: string[]
}

const dayMs = 86_400_000
const leafDays = 365
const renewLeafDays = 30
const caDays = 3650
/** A CA is renewed while every leaf that it could issue still fits into its validity. */
const renewCaDays = leafDays + renewLeafDays
const crlDays = 7

/** Makes the folder, or completes and renews it; signs a new CRL in any case. Throws where the disk fails. */
export async function ensureDevCerts(folder: string, now: () => Date): Promise<DevCerts> {
  const workshop: Workshop = { folder: resolve(folder), now: now(), renewed: [] }
  await mkdir(workshop.folder, { recursive: true, mode: 0o700 })
  await chmod(workshop.folder, 0o700)
  await removeAbandoned(workshop.folder)
  const root = await ensureAuthority(workshop, 'root', [
    ['O', 'acme'],
    ['CN', 'acme development root'],
  ])
  const issuing = await ensureAuthority(
    workshop,
    'issuing',
    [
      ['O', 'acme'],
      ['CN', 'acme development issuing'],
    ],
    root,
  )
  const foreign = await ensureAuthority(workshop, 'foreign-root', [['CN', 'foreign root']])
  await writeAtomically(join(workshop.folder, 'ca.pem'), root.pem)
  await ensureLeaf(workshop, 'server', issuing, server)
  const revoked: string[] = []
  for (const entry of devNames) {
    const leaf = await ensureLeaf(workshop, entry.name, entry.foreign ? foreign : issuing, {
      profile: 'device',
      ...entry,
    })
    if (entry.revoked) revoked.push(leaf.serialHex)
  }
  await renewCrl(workshop, issuing, revoked)
  const { renewed } = workshop
  return {
    folder: workshop.folder,
    created: renewed.includes('root'),
    renewed,
    names: devNames,
    paths: pathsIn(workshop.folder),
  }
}

type LeafRequest = Pick<LeafOptions, 'profile' | 'subject' | 'sans'>

const server: LeafRequest = {
  profile: 'server',
  subject: [['CN', 'localhost']],
  sans: { dns: ['localhost'], ip: ['127.0.0.1', '::1'] },
}

async function ensureAuthority(
  { folder, now, renewed }: Workshop,
  name: string,
  subject: readonly SubjectAttribute[],
  issuer?: Authority,
): Promise<Authority> {
  const files = pairIn(folder, name)
  const expected = { subject, now, validUntil: daysAfter(now, renewCaDays), ...(issuer && { issuer }) }
  const stored = await readAuthority(files, expected)
  if (stored !== undefined) return stored
  // an issuing CA made later than its root would outlive it
  const validDays = issuer ? (issuer.notAfter.getTime() - now.getTime()) / dayMs : caDays
  const options = { subject, now: () => now, validDays }
  const made = issuer ? createIssuing(issuer, options) : createRoot(options)
  await writePair(files, made)
  renewed.push(name)
  return made
}

async function ensureLeaf(
  { folder, now, renewed }: Workshop,
  name: string,
  issuer: Authority,
  request: LeafRequest,
): Promise<IssuedCertificate> {
  const files = pairIn(folder, name)
  const expected = { subject: request.subject, issuer, now, validUntil: daysAfter(now, renewLeafDays) }
  const stored = await readLeaf(files, expected)
  if (stored !== undefined) return stored
  const made = issueLeaf(issuer, { ...request, notBefore: notBeforeOf(now), notAfter: daysAfter(now, leafDays) })
  await writePair(files, made, issuer.pem)
  renewed.push(name)
  return made
}

/** A CRL number above every one before it, even where the file that remembers it was lost or the clock set back. */
async function renewCrl({ folder, now }: Workshop, issuing: Authority, serials: readonly string[]): Promise<void> {
  const numberFile = join(folder, 'acme.crlnumber')
  const last = Number(await readFile(numberFile, 'utf8').catch(() => '0'))
  const number = Math.max(Number.isSafeInteger(last) ? last + 1 : 0, Math.floor(now.getTime() / 1000))
  await writeAtomically(numberFile, `${number}\n`)
  const revoked = serials.map(serialHex => ({ serialHex, date: now, reason: 'keyCompromise' as const }))
  const crl = signCrl(issuing, { number, thisUpdate: now, nextUpdate: daysAfter(now, crlDays), revoked })
  await writeAtomically(join(folder, 'acme.crl'), crl.pem)
}

function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * dayMs)
}

function pairIn(folder: string, name: string): FilePair {
  return { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
}

function pathsIn(folder: string): DevPaths {
  return {
    ca: join(folder, 'ca.pem'),
    root: pairIn(folder, 'root').certificate,
    issuing: pairIn(folder, 'issuing').certificate,
    foreignRoot: pairIn(folder, 'foreign-root').certificate,
    crl: join(folder, 'acme.crl'),
    serverCertificate: pairIn(folder, 'server').certificate,
    serverKey: pairIn(folder, 'server').key,
    certificateOf: name => pairIn(folder, name).certificate,
    keyOf: name => pairIn(folder, name).key,
  }
}
