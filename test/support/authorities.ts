/** Issuers in memory for tests of `accept/`: authorities, devices and CRLs at a fixed time, and a file system of texts. */
import { createHash } from 'node:crypto'
import { type Authority, createIssuing, createRoot, issueLeaf, signCrl } from '../../src/provision/authority.ts'
import type { RevokedEntry } from '../../src/provision/crl-writer.ts'

export const dayMs = 86_400_000
export const hourMs = 3_600_000
/** The fixed time of these tests: 2026-03-01. */
export const start: number = Date.UTC(2026, 2, 1)

export function makeRoot(name: string = 'Acme Root', validDays: number = 3650): Authority {
  return createRoot({ subject: [['CN', name]], now: () => new Date(start), validDays })
}

export function makeIssuing(root: Authority, name: string = 'Acme Issuing', validDays: number = 365): Authority {
  return createIssuing(root, { subject: [['CN', name]], now: () => new Date(start), validDays })
}

export interface Device {
  readonly der: Buffer
  readonly pem: string
  readonly keyPem: string
  readonly serialHex: string
  readonly fingerprint: string
}

export function makeDevice(ca: Authority, name: string = 'pump-7', profile: 'device' | 'server' = 'device'): Device {
  const leaf = issueLeaf(ca, {
    profile,
    subject: [['CN', name]],
    sans: profile === 'server' ? { dns: ['localhost'] } : {},
    notBefore: new Date(start - hourMs),
    notAfter: new Date(start + 90 * dayMs),
  })
  return { ...leaf, fingerprint: createHash('sha256').update(leaf.der).digest('hex') }
}

export interface CrlOptions {
  readonly number?: number
  readonly thisUpdate?: number
  readonly validMs?: number
  readonly revoked?: readonly RevokedEntry[]
}

/** A CRL of `ca`: number 1, issued at `start`, good for two days, unless said. */
export function makeCrl(ca: Authority, options: CrlOptions = {}): { readonly der: Buffer; readonly pem: string } {
  const thisUpdate = options.thisUpdate ?? start
  return signCrl(ca, {
    number: options.number ?? 1,
    thisUpdate: new Date(thisUpdate),
    nextUpdate: new Date(thisUpdate + (options.validMs ?? 2 * dayMs)),
    revoked: options.revoked ?? [],
  })
}

/** Files in memory under `/pki`; what is not there is ENOENT. */
export class MemoryFiles {
  readonly files = new Map<string, string | Buffer>()

  set(name: string, content: string | Buffer): this {
    this.files.set(`/pki/${name}`, content)
    return this
  }

  readonly readFile = async (path: string): Promise<Buffer> => {
    const content = this.files.get(path)
    if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return Buffer.from(content)
  }
}

/** Codes of the problems that a rejected promise carries. */
export async function codesOf(promise: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (typeof error !== 'object' || error === null || !('problems' in error))
    throw new Error(`not refused: ${String(error)}`)
  return (error.problems as readonly { code: string }[]).map(p => p.code)
}
