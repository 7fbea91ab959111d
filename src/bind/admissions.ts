/**
 * Admissions: who may have which session, live or kept, one log-in of a client id at a time (docs/semantics.md 2.3–2.5).
 * The newcomer's turn ends when its session is registered; from then on every change reaches it.
 */
import type { IdentityRule, MappedIdentity, Settings } from '../policy/model.ts'
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { IdentityIndex } from './identity-index.ts'
import { identityKey } from './identity-key.ts'
import { type KeptSessions, owned, type Purge } from './kept-sessions.ts'
import { LiveEntry } from './live-entry.ts'
import type { LiveRegistry } from './live-registry.ts'
import type { Owner } from './owner-store.ts'
import { Turns } from './turns.ts'

/** What admission needs to know of a live session. */
export interface LiveSession {
  readonly clientId: string
  readonly identity: MappedIdentity
  /** Ends it for another that takes over; its will is still sent where it may be. */
  supersede(problem: Problem): void
}

export interface Request<S> {
  readonly clientId: string
  readonly identity: MappedIdentity
  readonly rule: Pick<IdentityRule, 'maxSessions'>
  readonly onTakeover: Settings['onTakeover']
  /** MQTT's clean session: nothing is resumed, and nothing kept. */
  readonly clean: boolean
  readonly owner: Owner
  /** Whether whoever asks has closed its connection: its turn, when it comes, would only end the session of somebody who is there. */
  readonly isGone?: (() => boolean) | undefined
  /** Decides once more if anything has moved, and makes the session. Synchronous: nothing moves between this and the registration. */
  readonly begin: () => Result<S>
}

/** What became of a session that another node asked for. */
export type GivenUp = 'ended' | 'kept' | 'absent'

/** How all sessions are looked at again. */
export interface Review {
  /** Rises whenever a live session may have become another identity. */
  readonly count: number
  /** Resolves when it is known who everybody is now; undefined where it is. */
  readonly checking: Promise<void> | undefined
}

/** A store that changes under every attempt is broken; the refusal says so. */
const attempts = 3
const rememberedIds = 10_000

export class Admissions<S extends LiveSession, M> {
  readonly #turns = new Turns()
  readonly #live = new Map<string, LiveEntry<S>>()
  readonly #liveIndex = new IdentityIndex()
  #indexedEpoch: number | undefined
  /** Client ids whose log-in is under way. */
  readonly #entering = new IdentityIndex()
  /** Ids of which the broker is known to keep nothing: they have been purged, and have had clean sessions since. */
  readonly #empty = new Set<string>()
  readonly #kept: KeptSessions<M>
  readonly #review: Review
  readonly #onUnowned: (clientId: string) => void
  readonly #registry: LiveRegistry | undefined
  #purge: Purge = async () => false

  /** `registry`: of the other nodes, where there are any. */
  constructor(kept: KeptSessions<M>, review: Review, onUnowned: (clientId: string) => void, registry?: LiveRegistry) {
    this.#registry = registry
    this.#kept = kept
    this.#review = review
    this.#onUnowned = onUnowned
  }

  /** The adapter's way to end what its broker keeps. */
  usePurge(purge: Purge): void {
    this.#purge = purge
  }

  /** Client ids of the live sessions. */
  get liveIds(): Iterable<string> {
    return this.#live.keys()
  }

  get live(): readonly S[] {
    return [...this.#live.values()].map(one => one.session)
  }

  get liveCount(): number {
    return this.#live.size
  }

  liveOf(clientId: string): S | undefined {
    return this.#live.get(clientId)?.session
  }

  /** One log-in, when its turn has come. */
  admit(request: Request<S>): Promise<Result<S>> {
    return this.#turns.take(request.clientId, async () => {
      if (request.isGone?.()) return fail(clientGone())
      const before = this.#live.get(request.clientId)
      if (before !== undefined) {
        const refused = takeOver(request, before.session)
        if (refused !== undefined) return fail(refused)
        await before.gone
      }
      // counting asks who each session is: to ask all of them at once would hold everybody up
      while (this.#review.checking !== undefined) await this.#review.checking
      const full = this.#judgeCount(request)
      if (full !== undefined) return fail(full)
      // counted with this place taken, so that of two that come at once for the last one gets it
      this.#entering.set(request.clientId, identityKey(request.identity))
      try {
        return await this.#enterFirst(request)
      } finally {
        this.#entering.delete(request.clientId)
      }
    })
  }

  /** The connection of this session is gone. */
  leave(session: S): void {
    const entry = this.#live.get(session.clientId)
    if (entry?.session !== session) return
    this.#live.delete(session.clientId)
    this.#liveIndex.delete(session.clientId)
    this.#registry?.leave({ clientId: session.clientId, identity: entry.identity })
    entry.leave()
  }

  /** Ends a kept session where `mayStay` says no when its turn comes; a live one that is on its way out is waited for. */
  review(clientId: string, mayStay: () => boolean): Promise<void> {
    return this.#turns.take(clientId, async () => {
      if (mayStay()) return
      await this.#live.get(clientId)?.gone
      const owner = this.#kept.ownerOf(clientId)
      if (owner === undefined || mayStay()) return
      await this.#purge(clientId)
      await this.#kept.settle(clientId, owner, undefined)
    })
  }

  /**
   * Ends the live connection of a client id for an operator, when its turn comes, and waits until it is gone; with `forget`, what
   * is kept is ended too. A log-in that was there before is ended with it, one that comes later finds nothing.
   */
  kick(
    clientId: string,
    reason: Problem,
    forget: boolean,
  ): Promise<{ readonly ended: S | undefined; readonly forgotten: boolean }> {
    return this.#turns.take(clientId, async () => {
      const live = this.#live.get(clientId)
      live?.session.supersede(reason)
      await live?.gone
      const owner = this.#kept.ownerOf(clientId)
      if (!forget || owner === undefined) return { ended: live?.session, forgotten: false }
      await this.#purge(clientId)
      return { ended: live?.session, forgotten: await this.#kept.settle(clientId, owner, undefined) }
    })
  }

  /** Another node takes over: ends the session that is here when its turn comes, if it is the one that is meant, and waits until it is gone. */
  giveUp(clientId: string, isMeant: (session: S) => boolean, reason: Problem): Promise<GivenUp> {
    return this.#turns.take(clientId, async () => {
      const live = this.#live.get(clientId)
      if (live === undefined) return 'absent'
      if (!isMeant(live.session)) return 'kept'
      live.session.supersede(reason)
      await live.gone
      return 'ended'
    })
  }

  #register(session: S): void {
    const identity = identityKey(session.identity)
    this.#live.set(session.clientId, new LiveEntry(session, identity))
    this.#liveIndex.set(session.clientId, identity)
  }

  /** Where there are other nodes, nobody enters before the place is taken among all of them. */
  async #enterFirst(request: Request<S>): Promise<Result<S>> {
    const registry = this.#registry
    if (registry === undefined) return this.#enter(request)
    const { clientId, rule } = request
    const identity = identityKey(request.identity)
    const kept = this.#kept.idsOf(identity)
    const takesOver = request.onTakeover !== 'refuse'
    const refused = await registry.take({ clientId, identity, maxSessions: rule.maxSessions, kept, takesOver })
    if (refused !== undefined) return fail(refused)
    let entered: Result<S> | undefined
    try {
      entered = await this.#enter(request)
      return entered
    } finally {
      if (entered?.ok !== true) registry.leave({ clientId, identity })
    }
  }

  async #enter(request: Request<S>): Promise<Result<S>> {
    const settled = await this.#settle(request)
    if (!settled.ok) return settled
    const begun = request.begin()
    if (begun.ok) this.#register(begun.value)
    else await this.#kept.settle(request.clientId, this.#kept.ownerOf(request.clientId), settled.value)
    return begun
  }

  /** `maxSessions` counts live and kept sessions, this client id left out: it has its place already. */
  #judgeCount({ clientId, identity, rule }: Request<S>): Problem | undefined {
    const key = identityKey(identity)
    const present = new Set([...this.#liveOf(key), ...this.#entering.idsOf(key)])
    for (const id of this.#kept.idsOf(key)) {
      // what is live may have become another identity since it was kept
      if (!this.#live.has(id) && !this.#entering.has(id)) present.add(id)
    }
    present.delete(clientId)
    return present.size >= rule.maxSessions ? tooMany(rule.maxSessions) : undefined
  }

  #liveOf(key: string): ReadonlySet<string> {
    const epoch = this.#review.count
    if (this.#indexedEpoch !== epoch) {
      this.#indexedEpoch = epoch
      for (const { session } of this.#live.values())
        this.#liveIndex.set(session.clientId, identityKey(session.identity))
    }
    return this.#liveIndex.idsOf(key)
  }

  /**
   * Purges what may not be resumed, then writes the new owner: compared and set in one step, before CONNACK. Resolves with
   * the owner to put back where the log-in fails after all.
   */
  async #settle({ clientId, identity, clean, owner }: Request<S>): Promise<Result<Owner | undefined>> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const claim = await this.#kept.claim(clientId, identity)
      if (claim.outcome === 'refuse') return fail(claim.problem)
      const isPurged = clean || claim.outcome === 'fresh'
      if (isPurged && !(claim.stored === undefined && this.#empty.has(clientId))) {
        const hadState = await this.#purge(clientId)
        if (hadState && claim.stored === undefined) this.#onUnowned(clientId)
      }
      if (await this.#kept.settle(clientId, claim.stored, clean ? undefined : owner)) {
        this.#noteEmpty(clientId, clean)
        return ok(isPurged ? undefined : claim.stored)
      }
    }
    return fail(problem('bind/owner-store', `the owner of ${clientId} changed under ${attempts} attempts to log in`))
  }

  #noteEmpty(clientId: string, isEmpty: boolean): void {
    if (!isEmpty) this.#empty.delete(clientId)
    else if (this.#empty.size < rememberedIds) this.#empty.add(clientId)
  }
}

/** Why a newcomer may not take over; undefined where it does, and the one before is told to go. */
function takeOver<S extends LiveSession>(request: Request<S>, before: S): Problem | undefined {
  if (identityKey(before.identity) !== identityKey(request.identity)) return owned(request.clientId)
  if (request.onTakeover === 'refuse') {
    return sessionLive(request.clientId)
  }
  before.supersede(problem('bind/taken-over', 'the same identity has connected again'))
  return undefined
}

const clientGone = (): Problem =>
  problem('bind/client-gone', 'the client closed its connection before its log-in had its turn')

/** Nobody may take over, and somebody is there. */
export function sessionLive(clientId: string): Problem {
  return problem('bind/session-live', `${clientId} is connected already, and the policy lets nobody take over`, {
    help: 'end the other connection, or wait until its keep-alive has run out',
  })
}

export function tooMany(maximum: number): Problem {
  return problem('bind/too-many-sessions', `this identity has ${maximum} sessions already, live or kept`, {
    help: 'end one of them, or raise `maxSessions` of the identity',
  })
}
