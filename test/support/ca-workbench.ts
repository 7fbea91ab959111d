/** An authority in a folder of its own, with a clock that tests set, devices without a policy, and OpenSSL to ask. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PortcullisError } from '../../src/problem.ts'
import type { Authority, SignedCertificate } from '../../src/provision/authority.ts'
import { createCa, type NewCa, type OpenCa, openCa } from '../../src/provision/ca-folder.ts'
import { issueThroughLedger } from '../../src/provision/issue-leaf.ts'
import { createKeys, keyHashOf } from '../../src/provision/keys.ts'
import { openWithKey } from '../../src/provision/open-key.ts'

export const dayMs = 86_400_000

const newCa: NewCa = {
  name: 'acme',
  keyType: 'p256',
  passphrase: undefined,
  rootDays: 4000,
  issuingDays: 900,
  crlDays: 30,
}

export class CaWorkbench {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'portcullis-ca-'))
  readonly path: string = join(this.folder, 'ca')
  /** The real time at first, since OpenSSL has no other. */
  nowMs: number = Math.floor(Date.now() / 1000) * 1000
  readonly passphrase: string | undefined
  readonly #open: OpenCa[] = []

  constructor(passphrase?: string) {
    this.passphrase = passphrase
  }

  get now(): Date {
    return new Date(this.nowMs)
  }

  readonly options = { now: (): Date => this.now, by: 'ops@test' }

  async create(more: Partial<NewCa> = {}): Promise<OpenCa> {
    await createCa(this.path, { ...newCa, passphrase: this.passphrase, ...more }, this.options)
    return this.open()
  }

  /** As the next command finds it. */
  async open(): Promise<OpenCa> {
    const ca = await openCa(this.path, this.passphrase, this.options)
    this.#open.push(ca)
    return ca
  }

  root(ca: OpenCa, keyFile: string = join(this.path, 'root.key')): Promise<Authority> {
    return openWithKey(ca.rootPem, keyFile, this.passphrase)
  }

  /** The certificate is in NAME.pem. */
  async issue(
    ca: OpenCa,
    name: string,
    options: { days?: number; supersede?: boolean } = {},
  ): Promise<SignedCertificate> {
    const { publicKey } = createKeys()
    const plan = {
      profile: 'device',
      name,
      identity: `device:device=${name}`,
      clientIds: [name],
      holds: [`identity device:device=${name}`, `key ${keyHashOf(publicKey)}`],
      subject: [['CN', name]],
      sans: {},
      notBefore: new Date(this.nowMs - 300_000),
      notAfter: new Date(this.nowMs + (options.days ?? 100) * dayMs),
      publicKey,
    } as const
    const { supersede = false } = options
    const nothing = async (): Promise<void> => undefined
    const stage = async () => ({ publish: nothing, discard: nothing })
    const issued = await issueThroughLedger(ca, plan, { renew: supersede, supersede, stage })
    if (!issued.ok) throw new PortcullisError([issued.problem])
    this.write(`${name}.pem`, issued.value.signed.pem)
    return issued.value.signed
  }

  write(name: string, content: string | Buffer): string {
    writeFileSync(join(this.folder, name), content)
    return join(this.folder, name)
  }

  read(name: string): Buffer {
    return readFileSync(join(this.folder, name))
  }

  openssl(...args: readonly string[]): string {
    return execFileSync('openssl', args, { cwd: this.folder, encoding: 'utf8', stdio: 'pipe' })
  }

  /** `NAME.pem: OK`, or what OpenSSL has against it. */
  strict(name: string, issuing = 'ca/issuing.pem', ...more: readonly string[]): string {
    const args = ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', 'ca/root.pem', '-untrusted', issuing]
    try {
      return this.openssl(...args, ...more, `${name}.pem`).trim()
    } catch (error) {
      return String((error as { stderr?: unknown }).stderr)
    }
  }

  close(): void {
    for (const { ledger } of this.#open) ledger.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Codes of the problems that something throws or rejects with. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    if (error instanceof PortcullisError) return error.problems.map(({ code }) => code).join()
    throw error
  }
  return 'nothing thrown'
}
