/**
 * Subscriptions of kept sessions in Redis, and an index of them on each node: whoever changes those of a client tells all nodes in the
 * same transaction, and each reads them anew; a message waits until its node has read what was changed before it. A node that was cut
 * off reads all of them when it is back.
 */
import type { Redis } from 'ioredis'
import { decode, encode } from 'msgpack-lite'
import type { AedesSubscription, StoredSubscription } from '../shape.ts'
import { SubscriptionIndex } from '../subscription-index.ts'
import { inTime } from './in-time.ts'
import { Revision } from './revision.ts'

type ById = { readonly id: string }

export const subscriptionsChannel = 'portcullis:subscriptions'

// where `aedes-persistence-redis` has them
const clientsKey = 'clients'
const clientKey = (clientId: string): string => `client:${encodeURIComponent(clientId)}`
/** The number of changes so far. */
const revisionKey = 'portcullis:subscriptions:revision'

/** Clients read in one round trip. */
const pageSize = 500

/** KEYS: clients, subscriptions of one, count of changes. ARGV: channel, client id; then a filter and its subscription each. Returns the count. */
const addScript = `
redis.call('SADD', KEYS[1], ARGV[2])
for index = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[index], ARGV[index + 1]) end
local revision = redis.call('INCR', KEYS[3])
redis.call('PUBLISH', ARGV[1], revision .. ' ' .. ARGV[2])
return revision`

/** The same, with filters only. */
const removeScript = `
for index = 3, #ARGV do redis.call('HDEL', KEYS[2], ARGV[index]) end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SREM', KEYS[1], ARGV[2]) end
local revision = redis.call('INCR', KEYS[3])
redis.call('PUBLISH', ARGV[1], revision .. ' ' .. ARGV[2])
return revision`

export class RedisSubscriptions {
  readonly #redis: Redis
  readonly #index = new SubscriptionIndex()
  /** What the index has of each client. */
  readonly #indexed = new Map<string, readonly StoredSubscription[]>()

  readonly #revision: Revision
  #misses = 0
  #missing: Promise<void> | undefined
  #found = (): void => undefined

  constructor(redis: Redis) {
    this.#redis = redis
    this.#revision = new Revision(redis, revisionKey)
  }

  /** This node is cut off from what others tell: what it knows is not all, until it is read anew. */
  miss(): void {
    this.#misses++
    this.#missing ??= new Promise(resolve => {
      this.#found = resolve
    })
  }

  /**
   * Resolves when all of them are known here that were acknowledged before the call; rejects where that takes too long: whoever asks then
   * must not be told that a message is safe.
   */
  async known(): Promise<void> {
    if (this.#missing !== undefined) await inTime(this.#missing, 'the subscriptions of the cluster cannot be read')
    await this.#revision.reached()
  }

  /** Reads all of them; what was told meanwhile is in what is read. Where something was missed meanwhile, it is still missed. */
  async refresh(): Promise<void> {
    const misses = this.#misses
    const revision = await this.#revision.newest()
    const clientIds = [...new Set([...this.#indexed.keys(), ...(await this.#redis.smembers(clientsKey))])]
    for (let at = 0; at < clientIds.length; at += pageSize) {
      await Promise.all(clientIds.slice(at, at + pageSize).map(clientId => this.#read(clientId)))
    }
    if (misses !== this.#misses) return
    this.#revision.note(revision)
    this.#missing = undefined
    this.#found()
  }

  /** What a node has told: the number of the change, and the client id of whose they are. */
  async heard(message: string): Promise<void> {
    const end = message.indexOf(' ')
    await this.#read(message.slice(end + 1))
    // nodes are told in the order of the changes
    this.#revision.note(Number(message.slice(0, end)))
  }

  async #read(clientId: string): Promise<void> {
    // answers come in the order of the questions: the last is what is so
    this.#note(clientId, await this.of({ id: clientId }))
  }

  async of({ id }: ById): Promise<AedesSubscription[]> {
    const stored = await this.#redis.hgetallBuffer(clientKey(id))
    return Object.values(stored).map(bytes => decode(bytes) as AedesSubscription)
  }

  /** Whose subscriptions of QoS 1 or 2 a message meets. */
  match(topic: string): StoredSubscription[] {
    return this.#index.match(topic)
  }

  async add(client: ById, subscriptions: readonly AedesSubscription[]): Promise<void> {
    const stored = subscriptions.flatMap(one => [one.topic, encode(one)])
    if (stored.length > 0) await this.#change(addScript, client, stored)
  }

  async remove(client: ById, filters: readonly string[]): Promise<void> {
    if (filters.length > 0) await this.#change(removeScript, client, filters)
  }

  /** Clients with subscriptions, and their subscriptions of QoS 1 and 2. */
  get counts(): { readonly clientsCount: number; readonly subsCount: number } {
    return { clientsCount: this.#indexed.size, subsCount: this.#index.size }
  }

  /** Clients that have subscribed to exactly this. */
  clientsOf(filter: string): readonly string[] {
    return [...this.#indexed]
      .filter(([, subscriptions]) => subscriptions.some(({ topic }) => topic === filter))
      .map(([clientId]) => clientId)
  }

  /** Told to all nodes, and known here when it resolves. */
  async #change(script: string, { id }: ById, values: readonly (string | Buffer)[]): Promise<void> {
    const keys = [clientsKey, clientKey(id), revisionKey]
    const revision = await this.#redis.eval(script, keys.length, ...keys, subscriptionsChannel, id, ...values)
    await this.#read(id)
    this.#revision.noteOwn(Number(revision))
  }

  #note(clientId: string, subscriptions: readonly AedesSubscription[]): void {
    for (const one of this.#indexed.get(clientId) ?? []) this.#index.delete(one)
    this.#indexed.delete(clientId)
    if (subscriptions.length === 0) return
    const stored = subscriptions.map(one => ({ ...one, clientId }))
    this.#indexed.set(clientId, stored)
    for (const one of stored) this.#index.set(one)
  }
}
