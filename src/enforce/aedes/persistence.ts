/**
 * The persistence wrapper: what a broker stores and brings back obeys the policy too (docs/semantics.md 3.8). aedes ignores
 * the delivery hook for queued messages, stores refused filters, and matches `$` topics with wildcards: closed here, in place.
 */
import { Readable } from 'node:stream'
import type { Gate } from '../../gate.ts'
import { matches } from '../../policy/filter-algebra.ts'
import type { TopicFilter, TopicName } from '../../policy/topic.ts'
import { problem } from '../../problem.ts'
import { boundPersistence } from './bound-persistence.ts'
import { GuardedQueue, notStored, type QueueContext, unpinned } from './guarded-queue.ts'
import type { AedesClient, AedesPersistence, AedesPublish, AedesSubscription, StoredSubscription } from './shape.ts'
import type { SubscribeBatches } from './subscribe-batches.ts'
import { signedWill } from './will-owner.ts'

export interface PersistenceContext extends QueueContext {
  readonly batches: SubscribeBatches
}

const queues = new WeakMap<AedesPersistence, GuardedQueue>()

/** What waits for a client id as it is stored, whether or not anybody may receive it: for who ends all of it. */
export function storedQueue(persistence: AedesPersistence, client: { id: string }): Readable {
  return queues.get(persistence)?.stored(client) ?? persistence.outgoingStream(client)
}

/** Wraps the methods of this persistence that aedes calls, for good. */
export function guardPersistence(persistence: AedesPersistence, context: PersistenceContext): void {
  const inner = boundPersistence(persistence)
  const queue = new GuardedQueue(inner, context)
  queues.set(persistence, queue)
  const { batches } = context
  Object.assign(persistence, {
    addSubscriptions: (client: AedesClient, subscriptions: AedesSubscription[]) =>
      batches.store(subscriptions, granted => storeGranted(inner, context.gate, client, granted)),
    storeRetained: (packet: AedesPublish) => inner.storeRetained(unpinned(packet)),
    createRetainedStreamCombi: (patterns: string[]) =>
      Readable.from(onlyMatching(inner.createRetainedStreamCombi(patterns), patterns, context.gate)),
    subscriptionsByTopic: (topic: string) => queue.receivers(topic),
    outgoingEnqueue: (to: { clientId: string }, packet: AedesPublish) => queue.enqueue(to.clientId, packet),
    outgoingEnqueueCombi: (to: StoredSubscription[], packet: AedesPublish) => queue.enqueueAll(to, packet),
    outgoingUpdate: (client: AedesClient, packet: AedesPublish) => queue.update(client, packet),
    outgoingClearMessageId: (client: AedesClient, packet: AedesPublish) => queue.clear(client, packet),
    outgoingStream: (client: AedesClient) => Readable.from(queue.stream(client)),
    incomingGetPacket: (client: AedesClient, packet: AedesPublish) =>
      answered(client, inner.incomingGetPacket(client, packet)),
    incomingDelPacket: (client: AedesClient, packet: AedesPublish) =>
      answered(client, inner.incomingDelPacket(client, packet)),
    // only its identifier is ever looked up again
    incomingStorePacket: (client: AedesClient, packet: AedesPublish) =>
      inner.incomingStorePacket(client, { ...packet, payload: Buffer.alloc(0) }),
    // a connection that is gone leaves no will behind: its session, and what it may send, are gone too
    putWill: async (client: AedesClient, packet: AedesPublish) =>
      client.closed ? undefined : inner.putWill(client, signedWill(context.gate, client.id, unpinnedWill(packet))),
    // aedes replaces the will of a log-in so that an error of this ends the process; whoever is no client waits for the answer
    delWill: (client: AedesClient | { id: string; brokerId?: string }) =>
      'conn' in client ? answered(client, inner.delWill(client)) : inner.delWill(client),
  })
}

/**
 * Ends the connection where the store fails, and gives aedes no answer. It takes a store that failed for one that has nothing: a message
 * of QoS 2 would come twice, or the next one with its identifier never [MQTT-4.3.3-2].
 */
async function answered<T>({ conn }: AedesClient, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && error.message === notStored) throw error
    conn.destroy(error instanceof Error ? error : new Error('the store failed'))
    return new Promise(() => undefined)
  }
}

/**
 * Stores the granted filters. aedes writes its SUBACK after this, with the grants that were decided before: where the policy
 * has changed meanwhile and one is refused now, the connection ends instead (docs/semantics.md 2.5).
 */
async function storeGranted(
  inner: AedesPersistence,
  gate: Gate,
  client: AedesClient,
  granted: AedesSubscription[],
): Promise<void> {
  if (granted.length === 0) return
  const revision = gate.liveSession(client.id)?.revision
  await inner.addSubscriptions(client, granted)
  const session = gate.liveSession(client.id)
  if (session === undefined || session.revision === revision) return
  const refused = granted.filter(one => session.subscribe(one.topic, one.qos).effect === 'refuse')
  if (refused.length === 0) return
  const filters = refused.map(one => one.topic)
  await inner.removeSubscriptions(client, filters)
  throw new Error('the policy changed while the subscription was stored')
}

/** aedes compares wills by identity, so this one changes in place. */
function unpinnedWill(will: AedesPublish): AedesPublish {
  will.payload = unpinned(will).payload
  return will
}

/**
 * [MQTT-4.7.2-1]: a wildcard first level matches no `$` topic, retained or not. aedes does not listen for errors of this stream: one
 * would end the process.
 */
async function* onlyMatching(packets: Readable, patterns: readonly string[], gate: Gate): AsyncGenerator<AedesPublish> {
  try {
    for await (const packet of packets as AsyncIterable<AedesPublish>) {
      const topic = packet.topic as TopicName
      if (patterns.some(pattern => matches(pattern as TopicFilter, topic))) yield packet
    }
  } catch (error) {
    const sentence = `retained messages cannot be read: ${error instanceof Error ? error.message : 'no reason given'}`
    gate.trace({ event: 'alarm', problem: problem('enforce/broker-error', sentence) })
  }
}
