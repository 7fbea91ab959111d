/**
 * Cluster persistence: `aedes-persistence-redis`, with a message and everything that becomes of it written in one transaction of Redis:
 * a node that is killed in between leaves all of it, or nothing.
 */
import AsyncRedisPersistence from 'aedes-persistence-redis/asyncPersistence.js'
import type { Redis } from 'ioredis'
import { decode, encode } from 'msgpack-lite'
import { ReceivedMessages } from '../received-messages.ts'
import type { AedesPublish, StoredSubscription } from '../shape.ts'

type ById = { readonly id: string }

interface Received {
  readonly key: string
  readonly field: string
  readonly value: Buffer
}

/** Messages received at QoS 2, of a client: one hash, which the library does not have. */
const incomingKey = ({ id }: ById): string => `portcullis:incoming:${encodeURIComponent(id)}`

/** How long the node that took a will of a dead node has to send it. */
const willClaimMs = 60_000

export class ClusterPersistence extends AsyncRedisPersistence {
  readonly #redis: Redis
  readonly #received = new ReceivedMessages<Received>()

  constructor(redis: Redis) {
    super({ conn: redis })
    this.#redis = redis
  }

  /**
   * The library writes the message for each list of receivers anew, and counts only the last of them: of lists at several QoS the lower
   * one stands, and all are counted.
   */
  override async outgoingEnqueueCombi(to: StoredSubscription[], packet: AedesPublish): Promise<void> {
    const key = `packet:${packet.brokerId}:${packet.brokerCounter}`
    const written = this.#redis.multi()
    if (to.length > 0) written.set(key, encode({ ...packet, messageId: undefined }))
    if (to.length > 0) written.incrby(`${key}:offlineCount`, to.length)
    for (const { clientId } of to) written.rpush(`outgoing:${encodeURIComponent(clientId)}`, key)
    for (const { key: hash, field, value } of this.#received.take(packet.brokerCounter))
      written.hset(hash, field, value)
    await this.#run(written)
  }

  override async incomingStorePacket(client: ById, packet: AedesPublish): Promise<void> {
    const value = encode({ ...packet, payload: Buffer.alloc(0) })
    this.#received.add(client, packet.messageId, { key: incomingKey(client), field: String(packet.messageId), value })
  }

  override async incomingGetPacket(client: ById, packet: AedesPublish): Promise<AedesPublish> {
    const unwritten = await this.#received.find(client, packet.messageId)
    const bytes = unwritten?.value ?? (await this.#redis.hgetBuffer(incomingKey(client), String(packet.messageId)))
    if (bytes === null) throw new Error('no such packet')
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

  /** Of a will that a dead node has left, one of the others takes care. */
  override async *streamWill(brokers?: Readonly<Record<string, unknown>>): AsyncGenerator<AedesPublish> {
    for await (const will of super.streamWill(brokers) as AsyncIterable<AedesPublish>) {
      const claim = `portcullis:will:${will.brokerId}:${encodeURIComponent(will.clientId ?? '')}`
      if ((await this.#redis.set(claim, '1', 'PX', willClaimMs, 'NX')) === 'OK') yield will
    }
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
    if (written.length === 0) return
    const answers = await written.exec()
    const failed = answers?.find(([error]) => error !== null)
    if (answers === null || failed !== undefined) throw failed?.[0] ?? new Error('the transaction was not made')
  }
}
