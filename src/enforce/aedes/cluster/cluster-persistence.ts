/**
 * Cluster persistence: retained messages where `aedes-persistence-redis` writes them; queues, subscriptions, wills and what was received are
 * written in one step each, so that a node that is killed in between leaves all of it, or nothing (docs/decisions/0017).
 */
import { Readable } from 'node:stream'
import AsyncRedisPersistence from 'aedes-persistence-redis/asyncPersistence.js'
import type { Redis } from 'ioredis'
import { decode, encode } from 'msgpack-lite'
import { notStored } from '../guarded-queue.ts'
import { ReceivedMessages } from '../received-messages.ts'
import type { AedesBroker, AedesPublish, AedesSubscription, StoredSubscription } from '../shape.ts'
import { type HashField, type Receiver, RedisQueues } from './redis-queues.ts'
import { retainedMessages } from './redis-retained.ts'
import { RedisSubscriptions } from './redis-subscriptions.ts'

type ById = { readonly id: string }
type OfBroker = ById & { readonly brokerId?: string }

/** Messages received at QoS 2, of a client: one hash, which the library does not have. */
const incomingKey = ({ id }: ById): string => `portcullis:incoming:${encodeURIComponent(id)}`

// where the library reads wills
const willsKey = 'will'
const willKey = (brokerId: string, id: string): string => `will:${brokerId}:${encodeURIComponent(id)}`
/** How long the node that has claimed a will has to send it. */
const willClaimMs = 60_000

export class ClusterPersistence extends AsyncRedisPersistence {
  readonly subscriptions: RedisSubscriptions
  readonly #redis: Redis
  readonly #queues: RedisQueues
  readonly #received = new ReceivedMessages<HashField>()
  /** By counter of the broker: what is to be queued of a message when this turn is over. */
  readonly #gathered = new Map<number, { readonly receivers: Receiver[]; readonly written: Promise<void> }>()
  #broker: AedesBroker | undefined

  constructor(redis: Redis) {
    super({ conn: redis })
    this.#redis = redis
    this.#queues = new RedisQueues(redis)
    this.subscriptions = new RedisSubscriptions(redis)
  }

  /** The library would keep an index of its own, and wait for the nodes to tell each other through the broker. */
  override async setup(broker: AedesBroker): Promise<void> {
    this.#broker = broker
    await this.subscriptions.refresh()
  }

  override get broker(): AedesBroker {
    if (this.#broker === undefined) throw new TypeError('call setup first')
    return this.#broker
  }

  /** Its connection is the node's to close. */
  override async destroy(): Promise<void> {}

  override addSubscriptions(client: ById, subscriptions: AedesSubscription[]): Promise<void> {
    return this.subscriptions.add(client, subscriptions)
  }

  override removeSubscriptions(client: ById, filters: string[]): Promise<void> {
    return this.subscriptions.remove(client, filters)
  }

  override subscriptionsByClient(client: ById): Promise<AedesSubscription[]> {
    return this.subscriptions.of(client)
  }

  override async subscriptionsByTopic(topic: string): Promise<StoredSubscription[]> {
    await this.subscriptions.known()
    return this.subscriptions.match(topic)
  }

  override getClientList(filter: string): Readable {
    return Readable.from(this.subscriptions.clientsOf(filter))
  }

  override async countOffline(): Promise<{ readonly clientsCount: number; readonly subsCount: number }> {
    return this.subscriptions.counts
  }

  override createRetainedStreamCombi(filters: string[]): AsyncIterable<AedesPublish> {
    return retainedMessages(this.#redis, filters)
  }

  /** At the QoS of the message. What is asked of one message in one turn is one step: it is for receivers at several. */
  override outgoingEnqueueCombi(to: StoredSubscription[], packet: AedesPublish): Promise<void> {
    const { brokerCounter = 0, qos } = packet
    const receivers = to.map(({ clientId }) => ({ clientId, qos }))
    const gathered = this.#gathered.get(brokerCounter)
    if (gathered !== undefined) {
      gathered.receivers.push(...receivers)
      return gathered.written
    }
    const written = Promise.resolve().then(() => {
      this.#gathered.delete(brokerCounter)
      return this.#queues.enqueue(receivers, packet, this.#received.take(brokerCounter))
    })
    this.#gathered.set(brokerCounter, { receivers, written })
    return written
  }

  override outgoingUpdate(client: ById, packet: AedesPublish): Promise<void> {
    return this.#queues.update(client, packet)
  }

  override outgoingClearMessageId(client: ById, { messageId }: AedesPublish): Promise<AedesPublish | undefined> {
    return this.#queues.clear(client, messageId ?? 0)
  }

  override outgoingStream(client: ById): Readable {
    return Readable.from(this.#queues.stream(client))
  }

  override async incomingStorePacket(client: ById, packet: AedesPublish): Promise<void> {
    const { cmd, topic, payload, qos, dup, retain, messageId } = packet
    const value = encode({ cmd, topic, payload, qos, dup, retain, messageId })
    this.#received.add(client, packet.messageId, { key: incomingKey(client), field: String(packet.messageId), value })
  }

  override async incomingGetPacket(client: ById, packet: AedesPublish): Promise<AedesPublish> {
    const unwritten = await this.#received.find(client, packet.messageId)
    const bytes = unwritten?.value ?? (await this.#redis.hgetBuffer(incomingKey(client), String(packet.messageId)))
    if (bytes === null) throw new Error(notStored)
    return decode(bytes) as AedesPublish
  }

  override async incomingDelPacket(client: ById, packet: AedesPublish): Promise<void> {
    this.#received.forget(client, packet.messageId)
    await this.#redis.hdel(incomingKey(client), String(packet.messageId))
  }

  async cleanIncoming(client: ById): Promise<void> {
    this.#received.forgetAll(client)
    await this.#redis.del(incomingKey(client))
  }

  override async putWill(client: ById, packet: AedesPublish): Promise<void> {
    const key = willKey(this.broker.id, client.id)
    const will = Object.assign(packet, { clientId: client.id, brokerId: this.broker.id })
    await this.#run(this.#redis.multi().set(key, encode(will)).lrem(willsKey, 0, key).rpush(willsKey, key))
  }

  override async getWill({ id }: ById): Promise<AedesPublish | undefined> {
    const bytes = await this.#redis.getBuffer(willKey(this.broker.id, id))
    return bytes === null ? undefined : (decode(bytes) as AedesPublish)
  }

  /** aedes names the node where the will is of another one. */
  override async delWill({ id, brokerId = this.broker.id }: OfBroker): Promise<AedesPublish | undefined> {
    const key = willKey(brokerId, id)
    const bytes = await this.#redis.getBuffer(key)
    await this.#run(this.#redis.multi().lrem(willsKey, 0, key).del(key))
    return bytes === null ? undefined : (decode(bytes) as AedesPublish)
  }

  /** Wills of nodes that are not among these. */
  willsBut(nodes: Readonly<Record<string, unknown>>): AsyncIterable<AedesPublish> {
    return super.streamWill(nodes)
  }

  /** Whether it is for this node to send a will that a dead one has left. */
  async claimWill({ brokerId, clientId = '' }: AedesPublish): Promise<boolean> {
    const claim = `portcullis:will:${brokerId}:${encodeURIComponent(clientId)}`
    return (await this.#redis.set(claim, '1', 'PX', willClaimMs, 'NX')) === 'OK'
  }

  publishing(client: ById, messageId: number, brokerCounter: number): void {
    this.#received.publishing(client, messageId, brokerCounter)
  }

  /** Resolves when Redis has that the message was received, and what became of it. */
  async published(brokerCounter: number): Promise<void> {
    try {
      for (const { key, field, value } of this.#received.take(brokerCounter)) await this.#redis.hset(key, field, value)
    } finally {
      this.#received.end(brokerCounter)
    }
  }

  unpublished(brokerCounter: number): void {
    this.#received.end(brokerCounter)
  }

  async #run(written: ReturnType<Redis['multi']>): Promise<void> {
    const answers = await written.exec()
    const failed = answers?.find(([error]) => error !== null)?.[0]
    if (answers === null || failed) throw failed ?? new Error('the transaction was not made')
  }
}
