/** SessionRegister: the sessions of a gate, live and kept, as an operator sees and ends them. */
import { identityText } from '../policy/identity-text.ts'
import type { MappedIdentity } from '../policy/model.ts'
import { type Problem, problem } from '../problem.ts'
import type { Trace, TracedPeer } from '../trace.ts'
import type { Admissions, GivenUp, LiveSession } from './admissions.ts'
import type { KeptSessions } from './kept-sessions.ts'
import type { Owner } from './owner-store.ts'

/** What is told of a live session that was ended. */
interface RegisteredSession extends LiveSession {
  readonly peer: { readonly address: string; readonly fingerprint: string }
}

/** A session as it is now: live, kept, or both. */
export interface Registered<S, M> {
  readonly live: S | undefined
  /** The owner of what is kept, and what the policy in force makes of it: undefined where it is nobody any more. */
  readonly kept: { readonly owner: Owner; readonly mapping: M | undefined } | undefined
}

export interface KickOptions {
  /** Whether what is kept (subscriptions, queue, owner) ends too. */
  readonly forget: boolean
  /** Who does it, for the log. */
  readonly by: string
}

export interface Kicked {
  /** Whether there was a connection. */
  readonly wasLive: boolean
  /** Whether something was kept, and is no more. */
  readonly forgotten: boolean
}

export class SessionRegister<S extends RegisteredSession, M> {
  readonly #admissions: Admissions<S, M>
  readonly #kept: KeptSessions<M>
  readonly #trace: Trace

  constructor(admissions: Admissions<S, M>, kept: KeptSessions<M>, trace: Trace) {
    this.#admissions = admissions
    this.#kept = kept
    this.#trace = trace
  }

  get live(): readonly S[] {
    return this.#admissions.live
  }

  /** The client ids of the kept sessions, connected now or not. */
  get keptIds(): readonly string[] {
    return this.#kept.clientIds
  }

  /** Sessions that are connected, and those that outlive their connection, connected now or not. */
  get totals(): { readonly live: number; readonly kept: number } {
    return { live: this.#admissions.liveCount, kept: this.#kept.size }
  }

  /** Every client id that has a session, once, in no order. Cheap enough for 50,000; ask about them in slices. */
  get clientIds(): readonly string[] {
    const isLive = (clientId: string): boolean => this.#admissions.liveOf(clientId) !== undefined
    // a Set of all of them would take longer than all the rest
    return [...this.#admissions.liveIds].concat(this.#kept.clientIds.filter(clientId => !isLive(clientId)))
  }

  /** `kept` are those that are not connected. */
  get count(): { readonly live: number; readonly kept: number } {
    const live = [...this.#admissions.liveIds]
    const both = live.filter(clientId => this.#kept.ownerOf(clientId) !== undefined)
    return { live: live.length, kept: this.#kept.size - both.length }
  }

  /** Undefined where there is none. */
  find(clientId: string): Registered<S, M> | undefined {
    const live = this.#admissions.liveOf(clientId)
    const owner = this.#kept.ownerOf(clientId)
    if (live === undefined && owner === undefined) return undefined
    return { live, kept: owner && { owner, mapping: this.#kept.mappingOf(clientId) } }
  }

  /** Ends the live session of a client id for another node, if it is the one that is meant; resolves when it is gone. */
  giveUp(clientId: string, isMeant: (session: S) => boolean, reason: Problem): Promise<GivenUp> {
    return this.#admissions.giveUp(clientId, isMeant, reason)
  }

  /**
   * Ends the connection of a client id; its will is sent where it may be, as when a connection is lost (docs/semantics.md 3.7). Nothing
   * keeps the device from connecting again: that is for a revocation. Resolves when the broker has let go of it.
   * @example await gate.sessions.kick('pump-7', { forget: false, by: 'admin' })
   */
  async kick(clientId: string, { forget, by }: KickOptions): Promise<Kicked> {
    // who it is, as long as it is anybody
    const identity = this.#admissions.liveOf(clientId)?.identity ?? this.#keptIdentity(clientId)
    const { ended, forgotten } = await this.#admissions.kick(clientId, kickedBy(by), forget)
    if (ended !== undefined || forgotten) {
      this.#trace({ event: 'kicked', peer: tracedPeer(clientId, ended, ended?.identity ?? identity), by, forgotten })
    }
    return { wasLive: ended !== undefined, forgotten }
  }

  #keptIdentity(clientId: string): MappedIdentity | undefined {
    return (this.#kept.mappingOf(clientId) as { readonly identity: MappedIdentity } | undefined)?.identity
  }
}

const kickedBy = (by: string) => problem('bind/kicked', `an operator has ended the connection (${by})`)

function tracedPeer(
  clientId: string,
  session: RegisteredSession | undefined,
  identity: MappedIdentity | undefined,
): TracedPeer {
  return {
    address: session?.peer.address ?? 'offline',
    ...(session === undefined ? {} : { fingerprint: session.peer.fingerprint }),
    ...(identity === undefined ? {} : { who: identityText(identity) }),
    clientId,
  }
}
