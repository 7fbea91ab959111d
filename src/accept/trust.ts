/**
 * Trust: the configured CAs and what they have revoked, read from files, and read again when the files change. A change that
 * would not do for a start is refused whole, and what is in force stays.
 */
import { resolve } from 'node:path'
import { ConfigurationError, type Problem, problem } from '../problem.ts'
import type { Trace } from '../trace.ts'
import type { Issuers } from './issuers.ts'
import { type IssuersConfig, loadIssuers } from './load-issuers.ts'
import { NewestTime, type TimeMemory } from './newest-time.ts'
import { openRevocations, type RevocationOptions, type Revocations } from './revocation.ts'

export interface TrustOptions extends Omit<RevocationOptions, 'newest'> {
  readonly trace: Trace
  /** What remembers the newest thisUpdate beyond the process. Default: nothing does. */
  readonly timeMemory?: TimeMemory | undefined
}

type Known = TrustOptions & { readonly newest: NewestTime }

export class Trust {
  readonly issuers: Issuers
  readonly revocations: Revocations
  /** CA certificates and CRLs, absolute, each once: for a watcher. */
  readonly files: readonly string[]
  readonly #config: IssuersConfig
  readonly #baseFolder: string
  readonly #options: Known
  #reloading: Promise<void> = Promise.resolve()

  /** Use `openTrust`. */
  constructor(config: IssuersConfig, baseFolder: string, options: Known, read: [Issuers, Revocations]) {
    this.#config = config
    this.#baseFolder = baseFolder
    this.#options = options
    ;[this.issuers, this.revocations] = read
    const certificates = Object.values(config).flatMap(issuer => [issuer.root, ...issuer.certificates])
    this.files = [...new Set([...certificates.map(file => resolve(baseFolder, file)), ...this.revocations.files])]
  }

  /** Reads CA certificates and CRLs anew, one run after the other; what is not taken over is traced. */
  reload(): Promise<void> {
    const run = this.#reloading.then(async () => {
      const refused = await this.#reloadIssuers()
      for (const p of refused) this.#options.trace({ event: 'alarm', problem: p })
      await this.revocations.reload()
    })
    this.#reloading = run.catch((error: unknown) => {
      const sentence = error instanceof Error ? error.message : 'unknown error'
      this.#options.trace({ event: 'alarm', problem: problem('enforce/internal', sentence) })
    })
    return this.#reloading
  }

  /** Why changed CAs are not taken over; empty where they are, or nothing has changed. */
  async #reloadIssuers(): Promise<readonly Problem[]> {
    const next = await load(this.#config, this.#baseFolder, this.#options)
    if (next instanceof ConfigurationError) return next.problems
    if (next.equals(this.issuers)) return []
    const refused = await this.revocations.prepare(next)
    if (refused.length > 0) return refused
    this.issuers.replace(next)
    this.revocations.issuersReplaced()
    const certificates = next.all.reduce((sum, issuer) => sum + issuer.cas.length + 1, 0)
    this.#options.trace({ event: 'issuers-loaded', issuers: next.all.length, certificates })
    return []
  }
}

/** A CA is judged at the time that it is at least, or a clock that was set back would lock everybody out. */
function load(config: IssuersConfig, baseFolder: string, options: Known): Promise<Issuers | ConfigurationError> {
  const { newest, now = Date.now, readFile } = options
  const io = { now: () => newest.judged(now()), ...(readFile && { readFile }) }
  return loadIssuers(config, baseFolder, io).catch((error: unknown) => {
    if (error instanceof ConfigurationError) return error
    throw error
  })
}

/**
 * Reads CAs and CRLs. Rejects with ConfigurationError, with every mistake of the CAs, or of the CRLs.
 * @example const trust = await openTrust({ acme: { certificates: ['issuing.pem'], root: 'root.pem' } }, '/etc/portcullis', { trace })
 */
export async function openTrust(config: IssuersConfig, baseFolder: string, options: TrustOptions): Promise<Trust> {
  const newest = new NewestTime(options.timeMemory)
  const forgotten = await newest.recall()
  if (forgotten !== undefined) options.trace({ event: 'alarm', problem: forgotten })
  const known = { ...options, newest }
  const issuers = await load(config, baseFolder, known)
  if (issuers instanceof ConfigurationError) throw issuers
  return new Trust(config, baseFolder, known, [issuers, await openRevocations(issuers, known)])
}
