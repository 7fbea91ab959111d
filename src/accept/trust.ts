/**
 * Trust: the configured CAs and what they have revoked, read from files, and read again when the files change. A change that
 * would not do for a start is refused whole, and what is in force stays.
 */
import { resolve } from 'node:path'
import { ConfigurationError, type Problem, problem } from '../problem.ts'
import type { Trace } from '../trace.ts'
import type { Issuers } from './issuers.ts'
import { type IssuersConfig, loadIssuers } from './load-issuers.ts'
import { openRevocations, type RevocationOptions, type Revocations } from './revocation.ts'

export interface TrustOptions extends RevocationOptions {
  readonly trace: Trace
}

export class Trust {
  readonly issuers: Issuers
  readonly revocations: Revocations
  /** CA certificates and CRLs, absolute, each once: for a watcher. */
  readonly files: readonly string[]
  readonly #config: IssuersConfig
  readonly #baseFolder: string
  readonly #options: TrustOptions
  #reloading: Promise<void> = Promise.resolve()

  /** Use `openTrust`. */
  constructor(config: IssuersConfig, baseFolder: string, options: TrustOptions, read: [Issuers, Revocations]) {
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

function load(config: IssuersConfig, baseFolder: string, { now }: TrustOptions): Promise<Issuers | ConfigurationError> {
  return loadIssuers(config, baseFolder, now === undefined ? {} : { now }).catch((error: unknown) => {
    if (error instanceof ConfigurationError) return error
    throw error
  })
}

/**
 * Reads CAs and CRLs. Rejects with ConfigurationError, with every mistake of the CAs, or of the CRLs.
 * @example const trust = await openTrust({ acme: { certificates: ['issuing.pem'], root: 'root.pem' } }, '/etc/portcullis', { trace })
 */
export async function openTrust(config: IssuersConfig, baseFolder: string, options: TrustOptions): Promise<Trust> {
  const issuers = await load(config, baseFolder, options)
  if (issuers instanceof ConfigurationError) throw issuers
  return new Trust(config, baseFolder, options, [issuers, await openRevocations(issuers, options)])
}
