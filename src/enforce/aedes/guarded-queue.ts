/**
 * Guarded queue: what waits for kept sessions obeys the policy when it is stored, when it is sent, and when it is brought back
 * (docs/semantics.md 3.8), within the limits of an identity. aedes ignores the delivery hook for queued messages.
 */
import { type Duplex, Readable } from 'node:stream'
import { identityKey } from '../../bind/identity-key.ts'
import type { Gate } from '../../gate.ts'
import { matches } from '../../policy/filter-algebra.ts'
import { identityText } from '../../policy/identity-text.ts'
import { parseTopicFilter, parseTopicName, type TopicFilter, type TopicName } from '../../policy/topic.ts'
import { type Problem, problem } from '../../problem.ts'
import type { Mapping } from '../../session.ts'
import type { QueueLedger } from '../queue-ledger.ts'
import { type Deliveries, passOver } from './deliveries.ts'
import { sinkTopic } from './hooks.ts'
import { type Numbered, SentMessages } from './sent-messages.ts'
import type { AedesPersistence, AedesPublish, Qos, StoredSubscription } from './shape.ts'

export interface QueueContext {
  readonly gate: Gate
  readonly ledger: QueueLedger
  readonly deliveries: Deliveries
  /** Whether the persistence is aedes's own, which is gone with the process. */
  readonly isInMemory: boolean
}

/** Packet identifiers end at 65,535; above that, one marks the message that is to be taken out of a queue. */
const removalMarks = 65_536

/** How aedes's stores say that a message is not there. */
export const notStored = 'no such packet'

/** What a message counts for in a queue, in bytes. */
export const sizeOf = (packet: AedesPublish): number =>
  Buffer.byteLength(packet.topic ?? '') + Buffer.byteLength(packet.payload ?? '')

/** A payload that is a small part of what was read from the socket would keep all of that in memory. */
export function unpinned(packet: AedesPublish): AedesPublish {
  const { payload } = packet
  const isPinning = Buffer.isBuffer(payload) && payload.buffer.byteLength > payload.length * 2
  return isPinning ? { ...packet, payload: Buffer.from(payload) } : packet
}

/**
 * A crash may have come between marking a message and taking it out. Nothing can be sent with a mark: aedes would write half of the
 * packet, and what it writes next would be read as the other half.
 */
const withoutMark = (packet: AedesPublish): AedesPublish =>
  (packet.messageId ?? 0) < removalMarks ? packet : { ...packet, messageId: undefined }

/** Stores that write to a disk bring an `undefined` identifier back as `null`. */
const isNumbered = (packet: AedesPublish): packet is Numbered => (packet.messageId ?? 0) > 0

export class GuardedQueue {
  readonly #inner: AedesPersistence
  readonly #gate: Gate
  readonly #ledger: QueueLedger
  readonly #deliveries: Deliveries
  readonly #isInMemory: boolean
  readonly #sent = new SentMessages()
  /** Of receivers that are not known: why not. */
  readonly #failures = new WeakMap<readonly StoredSubscription[], unknown>()
  #mark = removalMarks

  constructor(inner: AedesPersistence, { gate, ledger, deliveries, isInMemory }: QueueContext) {
    this.#inner = inner
    this.#gate = gate
    this.#ledger = ledger
    this.#deliveries = deliveries
    this.#isInMemory = isInMemory
  }

  /**
   * Whose subscriptions a topic meets. aedes would answer nobody, ever, where the store cannot tell; where it cannot store a message, it
   * ends the connection that it came from.
   */
  async receivers(topic: string): Promise<readonly StoredSubscription[]> {
    try {
      return await this.#inner.subscriptionsByTopic(topic)
    } catch (error) {
      const unknown: readonly StoredSubscription[] = []
      this.#failures.set(unknown, error)
      return unknown
    }
  }

  /** Stores a message for those kept sessions that may receive it, at no more than the QoS of their subscription. */
  async enqueueAll(to: readonly StoredSubscription[], packet: AedesPublish): Promise<void> {
    if (this.#failures.has(to)) throw this.#failures.get(to)
    const byQos = new Map<Qos, StoredSubscription[]>()
    // that it was received is written with it, and before anybody is sent it: repeated after a crash, it would come twice
    if (packet.qos === 2) byQos.set(2, [])
    for (const subscription of to) {
      if (!this.#admits(subscription.clientId, packet, subscription.topic)) continue
      const qos = Math.min(subscription.qos, packet.qos) as Qos
      const same = byQos.get(qos)
      if (same === undefined) byQos.set(qos, [subscription])
      else same.push(subscription)
    }
    const message = unpinned(packet)
    // in one turn: a store that gathers writes has all of a message on the disk, or nothing
    await Promise.all(
      [...byQos].map(([qos, subscriptions]) => this.#inner.outgoingEnqueueCombi(subscriptions, { ...message, qos })),
    )
  }

  async enqueue(clientId: string, packet: AedesPublish): Promise<void> {
    if (this.#admits(clientId, packet)) await this.#inner.outgoingEnqueue({ clientId }, unpinned(packet))
  }

  async update(client: { id: string; closed?: boolean }, packet: AedesPublish): Promise<void> {
    // the queue is the next connection's, which may have sent the message
    if (client.closed) return
    const isMessage = (packet.cmd ?? 'publish') === 'publish'
    if (isNumbered(packet)) this.#sent[isMessage ? 'take' : 'takeReleased'](client.id, packet)
    const isStored = await this.#inner.outgoingUpdate(client, isMessage ? packet : this.#distinct(packet)).then(
      () => true,
      (error: unknown) => {
        // not stored, because its queue was full: it is delivered all the same, and not once more after a reconnect
        if (error instanceof Error && error.message === notStored) return false
        throw error
      },
    )
    if (!isMessage || !isNumbered(packet)) return
    // what was decided before the store was asked is decided again when it is ready (docs/semantics.md 2.5)
    if (this.#refusal(client.id, packet) !== undefined) {
      await this.#remove(client, { ...packet })
      await passOver(packet)
    }
    if (isStored) this.#sent.noteSize(client.id, packet.messageId, sizeOf(packet))
  }

  /**
   * aedes's store takes two PUBRELs of one client for the same, since neither has an origin, and then sends a message again
   * that was received [MQTT-4.3.3-1]: each gets one. A store that lasts puts a PUBREL that has none in the place of its message.
   */
  #distinct(pubrel: AedesPublish): AedesPublish {
    if (!this.#isInMemory || pubrel.brokerId !== undefined) return pubrel
    return Object.assign(pubrel, { brokerId: 'pubrel', brokerCounter: this.#mark++ })
  }

  async clear(client: { id: string }, packet: AedesPublish): Promise<AedesPublish | undefined> {
    if (this.#deliveries.isKept(packet)) return undefined
    if (!isNumbered(packet)) {
      await this.#remove(client, packet)
      return undefined
    }
    const cleared = await this.#inner.outgoingClearMessageId(client, packet)
    const size = this.#sent.free(client.id, packet.messageId)
    if (cleared !== undefined) this.#ledger.remove(client.id, size ?? sizeOf(cleared))
    // what aedes gets back for a cut message goes into a stream that nobody reads: at 16 it would stand still
    return packet.cmd === 'publish' ? undefined : cleared
  }

  /**
   * In the place of a message that was sent and may not be sent again: its PUBREL. The receiver may have the message, and would take
   * the next one with this identifier for it [MQTT-4.3.3-2].
   */
  #released(clientId: string, packet: Numbered): AedesPublish {
    this.#sent.take(clientId, packet)
    this.#sent.noteSize(clientId, packet.messageId, sizeOf(packet))
    return { ...packet, cmd: 'pubrel', dup: false, payload: Buffer.alloc(0) }
  }

  /** All that waits for a session, which gets none of it. */
  stored(client: { id: string }): Readable {
    this.#sent.freeUnqueued(client.id)
    // aedes' store on Redis has no stream but an iterator
    const queue: Readable | AsyncIterable<AedesPublish> = this.#inner.outgoingStream(client)
    return queue instanceof Readable ? queue : Readable.from(queue)
  }

  /** What waits for a session, without what it may not receive any more. */
  async *stream(client: { id: string; conn?: Duplex }): AsyncGenerator<AedesPublish> {
    this.#sent.freeUnqueued(client.id)
    for await (const stored of this.#inner.outgoingStream(client) as AsyncIterable<AedesPublish>) {
      const packet = withoutMark(stored)
      const isMessage = (packet.cmd ?? 'publish') === 'publish'
      // [MQTT-3.3.1-1]
      if (isMessage) packet.dup = isNumbered(packet)
      if (isMessage && this.#refusal(client.id, packet) !== undefined) {
        if (packet.qos === 2 && isNumbered(packet)) yield this.#released(client.id, packet)
        else await this.#remove(client, packet)
      }
      // what came meanwhile may have been sent already
      else if (!isMessage || client.conn === undefined || this.#deliveries.claim(client.conn, packet)) yield packet
    }
  }

  /** Whether this message may wait for this session, and there is room for it. */
  #admits(clientId: string, packet: AedesPublish, filter?: string): boolean {
    if (packet.topic === sinkTopic) return false
    if (filter !== undefined && !matches(filter as TopicFilter, packet.topic as TopicName)) return false
    const p = this.#refusal(clientId, packet, filter)
    if (p !== undefined) return false
    const mapping = this.#mapping(clientId) as Mapping
    if (this.#ledger.add(clientId, identityKey(mapping.identity), sizeOf(packet))) return true
    const { queuedMessages, queuedBytes } = this.#gate.limits
    const sentence = `the queue of this identity is full: ${queuedMessages} messages or ${queuedBytes} bytes`
    this.#report(clientId, packet, problem('enforce/queue-full', sentence))
    return false
  }

  #mapping(clientId: string): Mapping | undefined {
    return this.#gate.liveSession(clientId)?.mapping ?? this.#gate.keptMapping(clientId)
  }

  /** Why this session may not have the message; undefined where it may. */
  #refusal(clientId: string, packet: AedesPublish, filter?: string): Problem | undefined {
    const mapping = this.#mapping(clientId)
    const topic = parseTopicName(packet.topic)
    if (mapping === undefined) return problem('bind/unowned', 'nobody owns this session any more')
    if (!topic.ok) return topic.problem
    const received = mapping.rights.receive(topic.value)
    const refused = received.effect === 'refuse' ? received.problem : this.#endedFilter(mapping, filter)
    // told here only while nobody is connected: otherwise the delivery tells
    if (refused !== undefined && this.#gate.liveSession(clientId) === undefined) this.#report(clientId, packet, refused)
    return refused
  }

  /** A kept subscription that the policy allows no longer delivers nothing, though another rule may allow the topic. */
  #endedFilter({ rights }: Mapping, filter: string | undefined): Problem | undefined {
    if (filter === undefined) return undefined
    const parsed = parseTopicFilter(filter)
    if (!parsed.ok) return parsed.problem
    const decision = rights.subscribe(parsed.value, 0)
    return decision.effect === 'refuse' ? decision.problem : undefined
  }

  #report(clientId: string, { topic }: AedesPublish, p: Problem): void {
    const mapping = this.#mapping(clientId)
    this.#gate.trace({
      event: 'refused',
      peer: { address: 'offline', clientId, ...(mapping === undefined ? {} : { who: identityText(mapping.identity) }) },
      action: { verb: 'receive', topic },
      problem: p,
      revision: this.#gate.policy.revision,
    })
  }

  /** Takes exactly this message out of a queue. The stores find by packet identifier only, so it is given one that nobody has. */
  async #remove(client: { id: string }, packet: AedesPublish): Promise<void> {
    const messageId = this.#mark++
    try {
      await this.#inner.outgoingUpdate(client, { ...packet, messageId })
    } catch {
      return // it was never stored
    }
    const removed = await this.#inner.outgoingClearMessageId(client, { ...packet, messageId })
    if (removed !== undefined) this.#ledger.remove(client.id, sizeOf(removed))
  }
}
