/**
 * Who is revoked. CRLs are keyed by (issuer key, serial number); a CRL that may not replace the one in force is told and
 * left out, so the last good one stays (docs/semantics.md 4.3, 4.4). Verdicts are never cached.
 */
import { readFile } from 'node:fs/promises'
import { ConfigurationError, fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { nullTrace, type Trace } from '../trace.ts'
import { type ConfiguredCa, outsideValidity, pathOf } from './ca-rules.ts'
import type { Crl, RevokedEntry } from './crl.ts'
import { casOf, comparableSerial, signerOf } from './crl-signer.ts'
import { type CrlState, clockBehind, crlStates, type Staleness, type Standing, stalenessAt } from './crl-standing.ts'
import type { ConfiguredIssuer, FoundIssuer, Issuers } from './issuers.ts'
import { NewestTime } from './newest-time.ts'
import { readCrls } from './read-crls.ts'
import {
  dayOf,
  fatal,
  noGoodCrl,
  objectionTo,
  type Rejection,
  revokedProblem,
  uncoveredCas,
} from './revocation-problems.ts'
import {
  agedProblem,
  defaultRevocationSettings,
  type RevocationOptions,
  type RevocationSettings,
} from './revocation-settings.ts'

export { defaultRevocationSettings, type RevocationOptions, type RevocationSettings, type Staleness }

/** How far a CRL's thisUpdate may lie ahead of this machine's clock. */
const clockToleranceMs = 5 * 60_000
const hourMs = 3_600_000

/** The revocations of all issuers. Made by `openRevocations`. */
export class Revocations {
  /** The CRL files, absolute, each once: for a watcher. */
  readonly files: readonly string[]
  /** Told every CRL that comes into force, with the SHA-256 of the public key of its CA. */
  onTaken: ((caKeyId: string, crl: Crl) => void) | undefined
  readonly #issuers: Issuers
  readonly #settings: RevocationSettings
  readonly #trace: Trace
  readonly #now: () => number
  readonly #readFile: (path: string) => Promise<Buffer>
  /** By SHA-256 of the CA's public key. */
  readonly #standings = new Map<string, Standing>()
  readonly #newest: NewestTime
  #epoch = 0
  #loading: Promise<unknown> = Promise.resolve()

  constructor(issuers: Issuers, options: RevocationOptions) {
    this.files = [...new Set(issuers.all.flatMap(issuer => issuer.crlFiles))]
    this.#issuers = issuers
    this.#settings = {
      onStaleCrl: options.onStaleCrl ?? defaultRevocationSettings.onStaleCrl,
      crlGraceHours: options.crlGraceHours ?? defaultRevocationSettings.crlGraceHours,
    }
    this.#trace = options.trace ?? nullTrace
    this.#now = options.now ?? Date.now
    this.#readFile = options.readFile ?? (path => readFile(path))
    this.#newest = options.newest ?? new NewestTime()
  }

  /** Rises with every CRL that is taken over: whoever decided under a lower one decides again (docs/semantics.md 2.5). */
  get epoch(): number {
    return this.#epoch
  }

  /** Whether the CA with this key (SHA-256 of its SubjectPublicKeyInfo) has revoked this serial number, and why. */
  isRevoked(caKeyId: string, serialHex: string): RevokedEntry | undefined {
    return this.#standings.get(caKeyId)?.crl.entries.get(comparableSerial(serialHex))
  }

  /** The worst state of the CRLs of one issuer; `fresh` where none is configured. */
  staleness(issuerName: string, nowMs: number): Staleness {
    const issuer = this.#issuers.all.find(one => one.name === issuerName)
    const states =
      issuer === undefined ? [] : casOf(issuer).map(ca => this.#stateOf(ca.certificate.keyId, this.judgedTime(nowMs)))
    return states.includes('stale') ? 'stale' : states.includes('alarm') ? 'alarm' : 'fresh'
  }

  /** The CRLs in force, a CA after the other. */
  crls(nowMs: number = this.#now()): readonly CrlState[] {
    return crlStates(this.#issuers, keyId => this.#standings.get(keyId), this.judgedTime(nowMs))
  }

  /** Every CRL in force, by SHA-256 of the public key of its CA. */
  get inForce(): ReadonlyMap<string, Crl> {
    return new Map([...this.#standings].map(([keyId, { crl }]) => [keyId, crl]))
  }

  /** Why this machine's clock is not to be believed; undefined where it is (docs/semantics.md 4.5). */
  clockProblem(): Problem | undefined {
    return clockBehind(this.#now() + clockToleranceMs, this.#newest.ms)
  }

  /**
   * Judges the issuer of a leaf, its way to the root and the leaf itself, at this moment.
   * With `live: true`, for a session that is already bound, a stale CRL does not count: live sessions stay (docs/semantics.md 4.4).
   */
  check(
    issuer: FoundIssuer,
    serialHex: string,
    nowMs: number,
    options: { readonly live?: boolean } = {},
  ): Result<void> {
    const now = this.judgedTime(nowMs)
    const path = pathOf(issuer.configured)
    for (const ca of path) {
      const refusal = this.#checkCa(issuer.name, ca, now)
      if (refusal !== undefined) return fail(refusal)
    }
    const revoked = this.isRevoked(issuer.configured.certificate.keyId, serialHex)
    if (revoked !== undefined) return fail(revokedProblem(revoked))
    const states = path.map(ca => this.#stateOf(ca.certificate.keyId, now))
    const refused = states.includes('stale') && this.#settings.onStaleCrl === 'refuseNew' && options.live !== true
    return refused ? fail(this.#staleProblem(issuer.name)) : ok(undefined)
  }

  /**
   * Why nothing of this certificate may be kept either: it or its issuer is revoked, for another reason than that a newer
   * certificate superseded it. Validity does not count here (docs/semantics.md 4.2).
   */
  condemned(issuer: FoundIssuer, serialHex: string): Problem | undefined {
    for (const ca of pathOf(issuer.configured)) {
      const refusal = this.#revokedCa(issuer.name, ca)
      if (refusal !== undefined) return refusal
    }
    const revoked = this.isRevoked(issuer.configured.certificate.keyId, serialHex)
    return revoked === undefined || revoked.reason === 'superseded' ? undefined : revokedProblem(revoked)
  }

  /**
   * Reads the CRLs for CAs that are to come into force. Returns why they may not: as at the start, every file must give a
   * good CRL.
   */
  prepare(next: Issuers): Promise<readonly Problem[]> {
    return this.#inTurn(async () => fatal(await this.#load(next)).map(noGoodCrl))
  }

  /** The issuers have been replaced: whoever decided before decides again. */
  issuersReplaced(): void {
    this.#epoch++
    this.#alarm(...this.#issuers.notes, ...this.#uncovered)
  }

  /** Reads every CRL file anew, one run after the other. Returns, and traces, what was not taken over. */
  reload(): Promise<readonly Problem[]> {
    return this.#inTurn(async () => {
      const problems = (await this.#load(this.#issuers)).map(rejection => rejection.problem)
      this.#alarm(...problems)
      return problems
    })
  }

  /** Takes over a CRL of another node, for an issuer that has CRLs here; whether it did. `from` is told where it is not good. */
  offer(der: Buffer, from: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const read = await readCrls(from, async () => der)
      if (!read.ok) this.#alarm(read.problem)
      const crls = read.ok ? read.value : []
      const changed = this.#issuers.all.filter(
        issuer => issuer.crlFiles.length > 0 && crls.some(crl => this.#takeOver(issuer, crl, from) === 'changed'),
      )
      for (const issuer of changed) this.#tellLoaded(issuer)
      await this.#settle()
      return changed.length > 0
    })
  }

  /** Every configured file must give a good CRL. */
  async open(): Promise<void> {
    const rejections = await this.#load(this.#issuers)
    const problems = fatal(rejections).map(noGoodCrl)
    if (problems.length > 0) throw new ConfigurationError(problems)
    this.#alarm(...this.#issuers.notes, ...rejections.map(one => one.problem), ...this.#uncovered)
  }

  async #load(issuers: Issuers): Promise<readonly Rejection[]> {
    const rejections: Rejection[] = []
    for (const issuer of issuers.all) {
      let changed = false
      for (const file of issuer.crlFiles) {
        const read = await readCrls(file, this.#readFile)
        const outcomes = read.ok ? read.value.map(crl => this.#takeOver(issuer, crl, file)) : [read.problem]
        rejections.push(
          ...outcomes.filter(one => typeof one === 'object').map(one => ({ issuer: issuer.name, problem: one })),
        )
        changed ||= outcomes.includes('changed')
      }
      if (changed) this.#tellLoaded(issuer)
    }
    await this.#settle()
    return rejections
  }

  /** One reading after the other, whether or not the one before failed. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const run = this.#loading.then(act)
    this.#loading = run.catch(() => undefined)
    return run
  }

  async #settle(): Promise<void> {
    for (const keyId of this.#standings.keys()) this.#stateOf(keyId, this.judgedTime(this.#now()))
    this.#alarm(await this.#newest.keep())
  }

  #tellLoaded(issuer: ConfiguredIssuer): void {
    this.#trace({ event: 'revocations-loaded', issuer: issuer.name, entries: this.#countEntries(issuer) })
  }

  #takeOver(issuer: ConfiguredIssuer, crl: Crl, file: string): 'changed' | 'same' | Problem {
    const signer = signerOf(issuer, crl, file)
    if (!signer.ok) return signer.problem
    const ca = signer.value
    const before = this.#standings.get(ca.keyId)
    const objection = objectionTo(crl, before?.crl, { file, latest: this.judgedTime(this.#now()) + clockToleranceMs })
    if (objection !== undefined) return objection
    if (before?.crl.tbs.equals(crl.tbs)) return 'same'
    const alarmAt = crl.thisUpdate + (crl.nextUpdate - crl.thisUpdate) / 2
    const staleAt = crl.nextUpdate + this.#settings.crlGraceHours * hourMs
    this.#standings.set(ca.keyId, { ca, crl, file, alarmAt, staleAt, told: 'fresh' })
    this.#newest.saw(crl.thisUpdate)
    this.#epoch++
    this.onTaken?.(ca.keyId, crl)
    return 'changed'
  }

  /** Validity of a CA, and whether the one above it (a root: itself) has revoked it. */
  #checkCa(issuerName: string, ca: ConfiguredCa, now: number): Problem | undefined {
    const { certificate } = ca
    const reason = outsideValidity(certificate, now)
    if (reason !== undefined) {
      const sentence = `the validity of a CA of \`${issuerName}\` (${certificate.file}) ${reason}`
      return problem('accept/issuer-expired', sentence, { help: 'renew the CA, or correct the clock of this machine' })
    }
    return this.#revokedCa(issuerName, ca)
  }

  #revokedCa(issuerName: string, ca: ConfiguredCa): Problem | undefined {
    const { certificate } = ca
    const revoked = this.isRevoked((ca.parent ?? ca).certificate.keyId, certificate.serialHex)
    if (revoked === undefined) return undefined
    const sentence = `a CA of \`${issuerName}\` (${certificate.file}) was revoked on ${dayOf(revoked.date)} (${revoked.reason})`
    return problem('accept/issuer-revoked', sentence, { help: 'issue the devices new certificates from another CA' })
  }

  /** A clock that was set back does not bring ended certificates and old CRLs back to life (docs/semantics.md 4.5). */
  judgedTime(nowMs: number): number {
    return this.#newest.judged(nowMs)
  }

  /** State of one CA's CRL; the first time that it gets worse, an alarm is traced. */
  #stateOf(caKeyId: string, now: number): Staleness {
    const standing = this.#standings.get(caKeyId)
    if (standing === undefined) return 'fresh'
    const state = stalenessAt(standing, now)
    if (state === standing.told) return state
    standing.told = state
    if (state !== 'fresh') this.#alarm(agedProblem(standing, now))
    return state
  }

  #alarm(...problems: readonly (Problem | undefined)[]): void {
    for (const one of problems) if (one !== undefined) this.#trace({ event: 'alarm', problem: one })
  }

  #staleProblem(issuerName: string): Problem {
    const sentence = `the CRL of \`${issuerName}\` is more than ${this.#settings.crlGraceHours} h past its nextUpdate, so nobody can tell whether this certificate is revoked`
    return problem('accept/stale-crl', sentence, {
      help: 'fetch the newest CRL of the CA; `crl.onStaleCrl: keep` would go on with the old one',
    })
  }

  get #uncovered(): readonly Problem[] {
    return uncoveredCas(this.#issuers, keyId => this.#standings.has(keyId))
  }

  #countEntries(issuer: ConfiguredIssuer): number {
    const keys = new Set(casOf(issuer).map(ca => ca.certificate.keyId))
    return [...keys].reduce((sum, key) => sum + (this.#standings.get(key)?.crl.entries.size ?? 0), 0)
  }
}

/**
 * Loads the CRLs of all issuers. Rejects with ConfigurationError where a configured file gives no good CRL.
 * @example const revocations = await openRevocations(issuers, { onStaleCrl: 'refuseNew', crlGraceHours: 24, trace })
 */
export async function openRevocations(issuers: Issuers, options: RevocationOptions = {}): Promise<Revocations> {
  const revocations = new Revocations(issuers, options)
  await revocations.open()
  return revocations
}
