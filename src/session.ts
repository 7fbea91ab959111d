/** Session: an identity bound to a client id, as a host sees it. Every decision reads the policy now in force. */
import { EventEmitter } from 'node:events'
import type { Peer } from './accept/peer.ts'
import type { ClientId } from './bind/client-id.ts'
import type { Decision, PublishFacts, Qos, Rights } from './decide/decision.ts'
import type { MappedIdentity } from './policy/model.ts'
import { parseTopicFilter, parseTopicName } from './policy/topic.ts'
import type { Problem, Result } from './problem.ts'

/** What one policy revision makes of a session. */
export interface Mapping {
  readonly revision: string
  readonly identity: MappedIdentity
  readonly rights: Rights
}

/** How the sessions of a gate follow what is in force. */
export interface Standing {
  /** Moves whenever `map` may answer differently. */
  readonly epoch: number
  /** What policy, CAs and revocations make of a session now. */
  map(session: Session): Result<Mapping>
  /** The connection of a session is gone. */
  closed(session: Session): void
}

/** Topics whose delivery a session has decided and remembers. */
const rememberedTopics = 256
/** Longer topics are decided each time, so that what is remembered stays small. */
const longestRemembered = 128

const isSame = (a: PublishFacts, b: PublishFacts): boolean =>
  a.qos === b.qos && a.retain === b.retain && a.payloadBytes === b.payloadBytes

interface SessionEvents {
  /** Its rights may have changed: check subscriptions again. */
  changed: []
  /**
   * It may not go on: close the connection, then call `close`. `will` says what becomes of its will: `suppress` where it was
   * revoked or is nobody any more, `decide` where another connection takes over or its certificate has ended (docs/semantics.md 3.7). A listener that
   * comes late is told too.
   */
  ended: [problem: Problem, will: 'suppress' | 'decide']
}

/**
 * A bound session. `publish`, `subscribe` and `receive` are synchronous and total: they refuse rather than throw.
 * @example
 * const decision = session.publish('plant/s1/pump-7/state', { qos: 0, retain: false, payloadBytes: 2 })
 * if (decision.effect === 'refuse') console.error(decision.problem.sentence)
 */
export class Session extends EventEmitter<SessionEvents> {
  readonly clientId: ClientId
  readonly peer: Peer
  /** Milliseconds since 1970 at which its certificate ends. */
  readonly notAfter: number
  /** MQTT's clean session: nothing of it is kept. */
  readonly clean: boolean
  /** Milliseconds since 1970 at which it was bound. */
  readonly since: number
  readonly #standing: Standing
  /** Of what `#mapping` was made under. */
  #epoch: number
  #mapping: Mapping
  #ended: Problem | undefined
  #hasLeft = false
  /** Decisions of the mapping in force; bounded, and gone with it. */
  #received: Map<string, Decision> | undefined
  #lastPublish: { mapping: Mapping; topic: string; facts: PublishFacts; decision: Decision } | undefined
  #farewell: readonly [problem: Problem, will: 'suppress' | 'decide'] | undefined

  constructor(
    facts: Pick<Session, 'clientId' | 'peer' | 'notAfter' | 'clean' | 'since' | 'mapping'>,
    standing: Standing,
  ) {
    super()
    this.clientId = facts.clientId
    this.peer = facts.peer
    this.notAfter = facts.notAfter
    this.clean = facts.clean
    this.since = facts.since
    this.#mapping = facts.mapping
    this.#standing = standing
    this.#epoch = standing.epoch
    this.on('newListener' as never, this.#tellLate as never)
  }

  /** It may be ended between its admission and the host's first look at it. The emitter is `this`, so that it need not be bound. */
  #tellLate(event: string, listener: (...farewell: SessionEvents['ended']) => void): void {
    const farewell = this.#farewell
    if (event === 'ended' && farewell !== undefined) queueMicrotask(() => listener(...farewell))
  }

  /** What the policy in force makes of it. */
  get mapping(): Mapping {
    this.keepUp()
    return this.#mapping
  }

  get identity(): MappedIdentity {
    return this.mapping.identity
  }

  /** Revision of the policy that decides now. */
  get revision(): string {
    return this.mapping.revision
  }

  /**
   * Takes over what is in force, where that has moved: whatever is decided, is decided under it, also before the gate has come to
   * this one of its many sessions. May end the session.
   */
  keepUp(): void {
    const epoch = this.#standing.epoch
    if (epoch === this.#epoch) return
    this.#epoch = epoch
    this.#remap(this.#standing.map(this))
  }

  /** docs/semantics.md 3.1, and 3.7 for a will. */
  publish(topic: string, facts: PublishFacts): Decision {
    this.keepUp()
    const last = this.#lastPublish
    // a device says the same again and again
    if (last?.mapping === this.#mapping && last.topic === topic && isSame(last.facts, facts) && !this.#ended) {
      return last.decision
    }
    const decision = this.#decide(parseTopicName(topic), (rights, name) => rights.publish(name, facts))
    this.#lastPublish = { mapping: this.#mapping, topic, facts, decision }
    return decision
  }

  /** docs/semantics.md 3.2 */
  subscribe(filter: string, qos: Qos): Decision {
    this.keepUp()
    return this.#decide(parseTopicFilter(filter), (rights, parsed) => rights.subscribe(parsed, qos))
  }

  /** docs/semantics.md 3.4 */
  receive(topic: string): Decision {
    this.keepUp()
    const known = this.#ended === undefined ? this.#received?.get(topic) : undefined
    if (known !== undefined) return known
    const decision = this.#decide(parseTopicName(topic), (rights, name) => rights.receive(name))
    if (topic.length > longestRemembered) return decision
    this.#received ??= new Map()
    if (this.#received.size >= rememberedTopics) this.#received.clear()
    this.#received.set(topic, decision)
    return decision
  }

  /** Called by the gate when its certificate ends: nothing else has moved. */
  judgeAgain(): void {
    this.#remap(this.#standing.map(this))
  }

  #remap(result: Result<Mapping>): void {
    if (this.#ended !== undefined) return
    if (result.ok) {
      const moved = result.value.revision !== this.#mapping.revision
      this.#mapping = result.value
      this.#received = undefined
      if (moved) this.emit('changed')
    } else if (result.problem.code === 'authenticate/expired') {
      this.supersede(result.problem)
    } else {
      this.#ended = result.problem
      this.#end(result.problem, 'suppress')
    }
  }

  /** Ends it because it has been taken over, has expired or was ended by an operator; until it is closed its rights stand, for its will. Called by the gate. */
  supersede(problem: Problem): void {
    if (this.#farewell === undefined) this.#end(problem, 'decide')
  }

  /** Whether it may not go on, as it was revoked or is nobody any more: its connection is about to be closed, and all is refused. */
  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Whether its connection is gone. */
  get hasLeft(): boolean {
    return this.#hasLeft
  }

  /** Tells the gate that the connection is gone. */
  close(): void {
    this.#hasLeft = true
    this.#standing.closed(this)
  }

  #end(problem: Problem, will: 'suppress' | 'decide'): void {
    this.#farewell = [problem, will]
    this.emit('ended', problem, will)
  }

  #decide<T>(parsed: Result<T>, decide: (rights: Rights, value: T) => Decision): Decision {
    if (this.#ended !== undefined) return { effect: 'refuse', problem: this.#ended, rules: [] }
    if (!parsed.ok) return { effect: 'refuse', problem: parsed.problem, rules: [] }
    return decide(this.#mapping.rights, parsed.value)
  }
}
