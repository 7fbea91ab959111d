/**
 * Gate: the whole path composed. A peer and its CONNECT go in; a bound session with rights, or a reasoned refusal, comes out.
 * accept → authenticate → bind → decide; adapters in `enforce/` do the rest.
 */
import type { Issuers } from './accept/issuers.ts'
import type { Limits } from './accept/limits.ts'
import type { Peer } from './accept/peer.ts'
import type { Revocations } from './accept/revocation.ts'
import type { Trust } from './accept/trust.ts'
import { type Admission, refuse } from './admission.ts'
import { Authenticator } from './authenticate/authenticator.ts'
import { Admissions } from './bind/admissions.ts'
import { KeptSessions, type Purge } from './bind/kept-sessions.ts'
import { MemoryOwnerStore, type Owner } from './bind/owner-store.ts'
import { SessionRegister } from './bind/session-register.ts'
import { BoundSessions } from './bound-sessions.ts'
import { PermitCounts } from './decide/permit-counts.ts'
import type { GateParts } from './gate-parts.ts'
import { type BoundMapping, type ConnectFacts, Mapper } from './mapper.ts'
import { ok, type Problem, problem, type Result } from './problem.ts'
import { Recheck } from './recheck.ts'
import type { Mapping, Session } from './session.ts'
import type { LoadedPolicy } from './source/load-texts.ts'
import { loadOptions, type PolicySource, reloadPolicies } from './source/policy-source.ts'
import { watchFiles } from './source/watch-files.ts'
import type { PermitsMode, Trace } from './trace.ts'
import { Trial } from './trial.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000

export type { Admission } from './admission.ts'
export type { ConnectFacts } from './mapper.ts'

export class Gate {
  readonly limits: Limits
  readonly trace: Trace
  readonly issuers: Issuers
  readonly revocations: Revocations
  readonly permits: PermitsMode
  /** Told the permits that `permits` leaves out, for as long as somebody wants to see all of them. */
  otherPermits: Trace | undefined
  /** Sessions, live and kept, for whoever looks after them. */
  readonly sessions: SessionRegister<Session, BoundMapping>
  /** Every permit of every session, also of those that are not told. */
  readonly permitCounts: PermitCounts = new PermitCounts()
  /** Whether the host brought a store for the owners of kept sessions. */
  readonly hasOwnerStore: boolean
  readonly #trust: Trust
  readonly #authenticator: Authenticator
  readonly #kept: KeptSessions<BoundMapping>
  readonly #admissions: Admissions<Session, BoundMapping>
  readonly #source: PolicySource
  readonly #candidateSource: PolicySource | undefined
  readonly #trial: Trial | undefined
  readonly #watchers: { close(): Promise<void> }[] = []
  readonly #mapper: Mapper
  readonly #recheck: Recheck
  readonly #bound: BoundSessions
  #isServing = false
  #reviews = 0
  #wasRefused = false
  #reloading: Promise<void> = Promise.resolve()

  /** Use `openGate` of open-gate.ts. */
  constructor(parts: GateParts) {
    this.#source = parts.source
    this.#candidateSource = parts.candidate?.source
    this.issuers = parts.trust.issuers
    this.revocations = parts.trust.revocations
    this.#trust = parts.trust
    this.limits = parts.limits
    this.permits = parts.permits
    this.trace = parts.trace
    this.hasOwnerStore = parts.owners !== undefined
    this.#authenticator = new Authenticator(
      parts.trust.issuers,
      parts.trust.revocations,
      parts.now,
      parts.keepForDays * dayMs,
    )
    const { policy, candidate, reportOnly } = parts
    if (reportOnly || candidate !== undefined) {
      const facts = { reportOnly, inForce: policy, candidate: candidate?.policy }
      this.#trial = new Trial(facts, parts.trace, id => this.#admissions.liveOf(id)?.peer.address ?? 'offline')
    }
    this.#mapper = new Mapper(this.#authenticator, policy, this.#trial)
    this.#kept = new KeptSessions(
      parts.owners ?? new MemoryOwnerStore(),
      (owner, clientId) => this.#mapper.ofOwner(owner, clientId),
      () => this.#epoch,
    )
    const alarm = (p: Problem): void => parts.trace({ event: 'alarm', problem: p })
    this.#recheck = new Recheck({
      live: () => this.#admissions.live,
      kept: this.#kept,
      end: (clientId, mayStay) => this.#admissions.review(clientId, mayStay),
      epoch: () => this.#epoch,
      alarm,
    })
    const onUnowned = (clientId: string): void =>
      alarm(problem('bind/unowned', `a kept session of ${clientId} had no owner and was ended`))
    this.#admissions = new Admissions(this.#kept, this.#recheck, onUnowned, parts.registry)
    this.#bound = new BoundSessions(parts.now, this.#mapper, this.#recheck, session => this.#admissions.leave(session))
    this.sessions = new SessionRegister(this.#admissions, this.#kept, parts.trace)
  }

  /** The policy in force. */
  get policy(): LoadedPolicy {
    return this.#mapper.policy
  }

  /** Rises before all sessions are looked at again. */
  get rechecks(): number {
    return this.#recheck.count
  }

  /**
   * The peer to go on with, where TLS and a configured issuer vouch for it at all; where not, the connection is to be destroyed unread.
   */
  trust(peer: Peer): Result<Peer> {
    const trusted = this.#authenticator.trust(peer)
    return trusted.ok ? ok(this.#authenticator.settled(peer)) : trusted
  }

  /** Subject of a peer's certificate for display; undefined where there is none to read. */
  subjectOf(peer: Peer): string | undefined {
    return this.#authenticator.subjectOf(peer)
  }

  /**
   * Takes the adapter's way to end everything that its broker keeps for a client id (subscriptions, queues, will). A gate
   * serves one broker.
   * @throws TypeError where the gate serves one already.
   */
  serve(purge: Purge): void {
    if (this.#isServing) throw new TypeError('this gate guards a broker already: open one gate for each')
    this.#isServing = true
    this.#admissions.usePurge(purge)
  }

  /**
   * Decides a CONNECT: authenticates the peer, decides the will, binds the client id, and settles whose session it is. An
   * earlier connection of the same session is ended, and waited for until its `close` is called. `isGone`: whether the client
   * has left meanwhile, so that it gets no session.
   * @example const admission = await gate.admit(readPeer(socket), { clientId, protocolVersion: 4, clean: true })
   */
  async admit(peer: Peer, connect: ConnectFacts, isGone?: () => boolean): Promise<Admission> {
    const subject = this.subjectOf(peer)
    const decided = this.#mapper.ofConnect(peer, connect)
    const known = {
      ...(subject === undefined ? {} : { subject }),
      ...(decided.identity === undefined ? {} : { identity: decided.identity }),
    }
    if (!decided.result.ok) return refuse(decided.result.problem, known)
    const epoch = this.#epoch
    const { mapping: first, owner } = decided.result.value
    const { set } = this.policy
    const admitted = await this.#admissions.admit({
      clientId: first.clientId,
      identity: first.identity,
      rule: set.identities.get(first.identity.kind) ?? { maxSessions: 1 },
      onTakeover: set.settings.onTakeover,
      clean: connect.clean,
      owner,
      isGone,
      begin: () => {
        // the turn may have come late: what was decided under another policy or CRL is decided again (docs/semantics.md 2.5)
        const again = epoch === this.#epoch ? decided.result : this.#mapper.ofConnect(peer, connect).result
        return again.ok ? ok(this.#bound.make(peer, connect.clean, again.value.mapping)) : again
      },
    })
    return admitted.ok ? { effect: 'permit', session: admitted.value } : refuse(admitted.problem, known)
  }

  /** The live session of a client id. */
  liveSession(clientId: string): Session | undefined {
    return this.#admissions.liveOf(clientId)
  }

  /** What the owner of a kept session may do now; undefined where nothing is kept, or its owner is nobody any more. */
  keptMapping(clientId: string): Mapping | undefined {
    return this.#kept.mappingOf(clientId)
  }

  /** The certificate that a session is of, to be stored with what outlives it; undefined where no CA vouches for it any more. */
  ownerOf({ peer }: Session): Owner | undefined {
    return this.#authenticator.ownerOf(peer)
  }

  /** What the holder of a stored certificate may do now under this client id; undefined where that is nothing. */
  mappingOf(owner: Owner, clientId: string): Mapping | undefined {
    const mapped = this.#mapper.ofOwner(owner, clientId)
    return mapped.ok ? mapped.value : undefined
  }

  /** Reads the policies anew; a set that does not load is refused and the one in force stays. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(async () => {
      const next = await reloadPolicies(this.#source, loadOptions(this.issuers))
      const { revision, bundle } = this.policy
      const wasRefused = this.#wasRefused
      this.#wasRefused = 'problems' in next
      if ('problems' in next) this.trace({ event: 'policy-refused', problems: next.problems, revision })
      else if (next.policy.revision !== revision || next.policy.bundle?.version !== bundle?.version)
        await this.#swap(next.policy)
      // a change that was refused and then taken back: what is in force is what is there again
      else if (wasRefused) this.#tellLoaded(next.policy)
    })
    return this.#reloading
  }

  /** Reads the folder of the candidate anew; a set that does not load is told, and the candidate before it is still tried. */
  reloadCandidate(): Promise<void> {
    this.#reloading = this.#reloading.then(async () => {
      const tried = this.#trial?.candidate
      if (this.#candidateSource === undefined || tried === undefined) return
      const next = await reloadPolicies(this.#candidateSource, loadOptions(this.issuers))
      const { revision } = tried
      if ('problems' in next) this.trace({ event: 'candidate-refused', problems: next.problems, revision })
      else if (next.policy.revision !== revision) await this.#tryCandidate(next.policy)
    })
    return this.#reloading
  }

  /** Reads CA certificates and CRLs anew, and ends the sessions that no CA vouches for any more or whose certificate is revoked now. */
  async reloadTrust(): Promise<void> {
    await this.#trust.reload()
    await this.#recheck.run()
  }

  /** Takes a CRL over from another node, if it is newer and good, and ends what it revokes. `from` is told where it is not. */
  async takeCrl(der: Buffer, from: string): Promise<void> {
    if (await this.revocations.offer(der, from)) await this.#recheck.run()
  }

  /** Watches the policies, the CA certificates and the CRLs. Called by `openGate`. */
  async watch(): Promise<void> {
    this.#watchers.push(await this.#source.watch(() => void this.reload()))
    const candidate = await this.#candidateSource?.watch(() => void this.reloadCandidate())
    if (candidate !== undefined) this.#watchers.push(candidate)
    this.#watchers.push(await watchFiles(this.#trust.files, () => void this.reloadTrust()))
    // what changed after it was read, and before it was watched
    await this.reloadTrust()
    await this.reload()
    await this.reloadCandidate()
  }

  /** Reads the owners of kept sessions, and reviews them every hour from then on. Called by `openGate`. */
  async openKept(): Promise<void> {
    await this.#kept.open()
    const timer = setInterval(() => void this.review(), hourMs).unref()
    this.#watchers.push({ close: async () => clearInterval(timer) })
  }

  /** Ends what time alone has ended: sessions kept for longer than they may be. Called every hour. */
  async review(): Promise<void> {
    this.#reviews++
    await this.#recheck.run()
  }

  /** Stops watching. Sessions are the host's to close. */
  async close(): Promise<void> {
    this.#recheck.close()
    await Promise.all(this.#watchers.splice(0).map(watcher => watcher.close()))
    await this.#reloading
  }

  /** Moves with every change of policy, CAs or revocations, and with every review. */
  get #epoch(): number {
    return this.#mapper.epoch + this.#trust.revocations.epoch + this.#reviews
  }

  async #swap(next: LoadedPolicy): Promise<void> {
    this.#mapper.use(next)
    const reviewed = this.#recheck.run()
    this.#tellLoaded(next)
    await reviewed
  }

  #tellLoaded({ revision, bundle, rules, tests }: LoadedPolicy): void {
    const version = bundle === undefined ? {} : { version: bundle.version }
    this.trace({ event: 'policy-loaded', revision, ...version, rules, tests })
  }

  async #tryCandidate(next: LoadedPolicy): Promise<void> {
    this.trace({ event: 'candidate-loaded', revision: next.revision, rules: next.rules, tests: next.tests })
    this.#mapper.tryCandidate(next)
    await this.#recheck.run()
  }
}
