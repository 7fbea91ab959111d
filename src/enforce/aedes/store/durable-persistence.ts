/**
 * Durable persistence: `aedes-persistence-level` on a group commit. What has been acknowledged to anybody, and every state of a
 * QoS 2 exchange, is on the disk before the acknowledgement; what a crash may at most make come twice at QoS 1 is not waited for.
 */
import AsyncLevelPersistence from 'aedes-persistence-level/asyncPersistence.js'
import { decode } from 'msgpack-lite'
import { reservedTopics } from '../hooks.ts'
import { ReceivedMessages } from '../received-messages.ts'
import type { AedesPublish, AedesSubscription, StoredSubscription } from '../shape.ts'
import { SubscriptionIndex } from '../subscription-index.ts'
import type { GroupCommit, Operation } from './group-commit.ts'
import { LevelFace } from './level-face.ts'

type ById = { readonly id: string }

/** Of the library's keys, `:` ends what varies and `;` comes right after it. */
const subscriptionRange = { gte: 'subscriptions:', lt: 'subscriptions;' }

export class DurablePersistence extends AsyncLevelPersistence {
  readonly #commit: GroupCommit
  /** The same store for writes that nobody waits for. */
  readonly #hasty: AsyncLevelPersistence
  /** By client: when the last of its updates has been answered. */
  readonly #updates = new Map<string, Promise<void>>()
  /**
   * Whose subscriptions a message meets. The library has an index of its own, which takes overlapping filters of one client for one and
   * the same, and then finds neither.
   */
  readonly #index = new SubscriptionIndex()
  readonly #received = new ReceivedMessages<Operation>()

  constructor(commit: GroupCommit) {
    super(new LevelFace(commit, true))
    this.#commit = commit
    this.#hasty = new AsyncLevelPersistence(new LevelFace(commit, false))
  }

  override async setup(broker: object): Promise<void> {
    await super.setup(broker)
    for await (const bytes of this.#commit.values(subscriptionRange))
      this.#index.set(decode(bytes) as StoredSubscription)
  }

  override async addSubscriptions(client: ById, subscriptions: AedesSubscription[]): Promise<void> {
    await super.addSubscriptions(client, subscriptions)
    for (const one of subscriptions) this.#index.set({ ...one, clientId: client.id })
  }

  override async removeSubscriptions(client: ById, topics: string[]): Promise<void> {
    for (const topic of topics) this.#index.delete({ clientId: client.id, topic })
    await super.removeSubscriptions(client, topics)
  }

  override async subscriptionsByTopic(topic: string): Promise<StoredSubscription[]> {
    return this.#index.match(topic)
  }

  /** A publisher is told nothing before `settled`; what the guard itself keeps here is waited for. */
  override storeRetained(packet: AedesPublish): Promise<void> {
    return packet.topic.startsWith(reservedTopics) ? super.storeRetained(packet) : this.#hasty.storeRetained(packet)
  }

  override async outgoingEnqueueCombi(to: StoredSubscription[], packet: AedesPublish): Promise<unknown> {
    const received = this.#received.take(packet.brokerCounter)
    // handed over in one turn, and so part of one flush
    return Promise.all([super.outgoingEnqueueCombi(to, packet), this.#commit.write(received)])
  }

  /** Answered in the order in which it was asked: messages are sent then, and the store finds one sooner than another [MQTT-4.6.0-6]. */
  override outgoingUpdate(client: ById, packet: AedesPublish): Promise<void> {
    const updated = this.#update(client, packet)
    const before = this.#updates.get(client.id) ?? Promise.resolve()
    const inTurn = before.then(() => updated)
    const ended = inTurn.catch(() => undefined)
    this.#updates.set(client.id, ended)
    void ended.then(() => {
      if (this.#updates.get(client.id) === ended) this.#updates.delete(client.id)
    })
    // whoever asked hears of it in turn
    updated.catch(() => undefined)
    return inTurn
  }

  /**
   * Which packet identifier a message has got, or that it has been received, in one: of three writes, the last could come after
   * what the next connection of the client has written. At QoS 1 nobody waits: without it, the message comes again.
   */
  async #update(client: ById, packet: AedesPublish): Promise<void> {
    const operations = await this.#recorded(library => library.outgoingUpdate(client, packet))
    const isAtLeastOnce = packet.cmd !== 'pubrel' && packet.qos === 1
    if (isAtLeastOnce) this.#commit.writeLater(operations)
    else await this.#commit.write(operations)
  }

  /** What the library would write. */
  async #recorded(act: (library: AsyncLevelPersistence) => Promise<unknown>): Promise<readonly Operation[]> {
    const operations: Operation[] = []
    await act(
      new AsyncLevelPersistence({
        get: (key: string) => this.#commit.get(key),
        put: async (key: string, value: Buffer) => void operations.push({ type: 'put', key, value }),
        del: async (key: string) => void operations.push({ type: 'del', key }),
      }),
    )
    return operations
  }

  /** That it has arrived: without it, it comes again at QoS 1, and its PUBREL at QoS 2. */
  override outgoingClearMessageId(client: ById, packet: AedesPublish): Promise<AedesPublish | undefined> {
    return this.#hasty.outgoingClearMessageId(client, packet)
  }

  /** Kept in mind only: the guard says which publication it belongs to, and both are written in one flush. */
  override async incomingStorePacket(client: ById, packet: AedesPublish): Promise<void> {
    const [operation] = await this.#recorded(library => library.incomingStorePacket(client, packet))
    this.#received.add(client, packet.messageId, operation as Operation)
  }

  /** A repeat that comes while the first is being published waits for it: it is acknowledged when that may be. */
  override async incomingGetPacket(client: ById, packet: AedesPublish): Promise<AedesPublish> {
    const unwritten = await this.#received.find(client, packet.messageId)
    return unwritten?.type === 'put'
      ? (decode(unwritten.value) as AedesPublish)
      : super.incomingGetPacket(client, packet)
  }

  override incomingDelPacket(client: ById, packet: AedesPublish): Promise<void> {
    this.#received.forget(client, packet.messageId)
    return super.incomingDelPacket(client, packet)
  }

  override cleanIncoming(client: ById): Promise<void> {
    this.#received.forgetAll(client)
    return super.cleanIncoming(client)
  }

  publishing(client: ById, messageId: number, brokerCounter: number): void {
    this.#received.publishing(client, messageId, brokerCounter)
  }

  /**
   * Resolves when what became of a publication is on the disk: what it retained and queued, and that it was received. Rejects where
   * it is not; whoever sent it is then told nothing, and sends it again.
   */
  async published(brokerCounter: number): Promise<void> {
    try {
      // nobody had it queued: that it was received is still to be written
      await this.#commit.write(this.#received.take(brokerCounter))
      await this.#commit.settled()
    } finally {
      this.#received.end(brokerCounter)
    }
  }

  /** The publication failed: the message has not been received. */
  unpublished(brokerCounter: number): void {
    this.#received.end(brokerCounter)
  }
}
