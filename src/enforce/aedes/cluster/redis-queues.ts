/**
 * Queues of kept sessions in Redis: which messages wait for whom, at which QoS, and how far each delivery is. Every change is one
 * script, so that a node or a Redis that is killed leaves all of it or nothing.
 */
import type { Redis } from 'ioredis'
import { decode, encode } from 'msgpack-lite'
import { notStored } from '../guarded-queue.ts'
import { originOf } from '../sent-messages.ts'
import type { AedesPublish, Qos } from '../shape.ts'

type ById = { readonly id: string }

/** A field of a hash to be written together with a message. */
export interface HashField {
  readonly key: string
  readonly field: string
  readonly value: Buffer
}

export interface Receiver {
  readonly clientId: string
  readonly qos: Qos
}

/** Messages read in one round trip. */
const pageSize = 200

/** Of the messages that wait for a client, in their order: where each comes from (`BROKER:COUNTER`). */
const queueKey = (clientId: string): string => `portcullis:queue:${encodeURIComponent(clientId)}`
/**
 * Of the same messages, by origin: `QOS`, and once one has been sent `QOS IDENTIFIER publish` or `QOS IDENTIFIER pubrel`. By `#IDENTIFIER`: the
 * origin.
 */
const sentKey = (clientId: string): string => `portcullis:sent:${encodeURIComponent(clientId)}`
/** A message: its bytes `m`, and for how many clients it still waits, `n`. */
const packetPrefix = 'portcullis:packet:'

/** KEYS: a queue and what is sent of it, for each client; then hashes. ARGV: packet, origin, bytes, clients, a QoS for each; then a field and a value for each hash. */
const enqueueScript = `
local clients = tonumber(ARGV[4])
local added = 0
for index = 1, clients do
  local queue, sent, qos = KEYS[2 * index - 1], KEYS[2 * index], ARGV[4 + index]
  local known = redis.call('HGET', sent, ARGV[2])
  if not known then
    redis.call('RPUSH', queue, ARGV[2])
    added = added + 1
  end
  if not known or (#known == 1 and known < qos) then redis.call('HSET', sent, ARGV[2], qos) end
end
if added > 0 then
  redis.call('HSET', ARGV[1], 'm', ARGV[3])
  redis.call('HINCRBY', ARGV[1], 'n', added)
end
for index = 2 * clients + 1, #KEYS do
  local at = 4 + clients + 2 * (index - 2 * clients) - 1
  redis.call('HSET', KEYS[index], ARGV[at], ARGV[at + 1])
end
return added`

/** KEYS: what is sent. ARGV: origin, or nothing where the identifier tells it; identifier; publish or pubrel. Returns the origin, or nothing. */
const updateScript = `
local origin = ARGV[1]
if origin == '' then origin = redis.call('HGET', KEYS[1], '#' .. ARGV[2]) end
local state = origin and redis.call('HGET', KEYS[1], origin)
if not state then return '' end
local qos, before = string.match(state, '^(%d) ?(%d*)')
if before ~= '' and before ~= ARGV[2] and redis.call('HGET', KEYS[1], '#' .. before) == origin then
  redis.call('HDEL', KEYS[1], '#' .. before)
end
redis.call('HSET', KEYS[1], origin, qos .. ' ' .. ARGV[2] .. ' ' .. ARGV[3], '#' .. ARGV[2], origin)
return origin`

/** KEYS: queue, what is sent. ARGV: prefix of packets, identifier. Returns origin, state and bytes of the message that has left the queue. */
const clearScript = `
local origin = redis.call('HGET', KEYS[2], '#' .. ARGV[2])
if not origin then return {} end
local state = redis.call('HGET', KEYS[2], origin)
redis.call('HDEL', KEYS[2], origin, '#' .. ARGV[2])
redis.call('LREM', KEYS[1], 0, origin)
local bytes = redis.call('HGET', ARGV[1] .. origin, 'm')
if redis.call('HINCRBY', ARGV[1] .. origin, 'n', -1) <= 0 then redis.call('DEL', ARGV[1] .. origin) end
return {origin, state, bytes}`

/** What ioredis makes of the scripts: sent by their hash, and whole where Redis does not know them. */
interface Scripts {
  portcullisEnqueue(keys: number, ...rest: readonly (string | number | Buffer)[]): Promise<number>
  portcullisUpdate(keys: number, ...rest: readonly (string | number)[]): Promise<string>
  portcullisClearBuffer(keys: number, ...rest: readonly (string | number)[]): Promise<readonly Buffer[]>
}

export class RedisQueues {
  readonly #redis: Redis & Scripts

  constructor(redis: Redis) {
    redis.defineCommand('portcullisEnqueue', { lua: enqueueScript })
    redis.defineCommand('portcullisUpdate', { lua: updateScript })
    redis.defineCommand('portcullisClear', { lua: clearScript })
    this.#redis = redis as Redis & Scripts
  }

  /** Has a message wait for these, each at its QoS, once however many of its filters match; and writes the fields. */
  async enqueue(to: readonly Receiver[], packet: AedesPublish, fields: readonly HashField[]): Promise<void> {
    if (to.length === 0 && fields.length === 0) return
    const keys = [
      ...to.flatMap(({ clientId }) => [queueKey(clientId), sentKey(clientId)]),
      ...fields.map(({ key }) => key),
    ]
    const { topic, payload, retain } = packet
    const bytes = to.length === 0 ? '' : encode({ cmd: 'publish', topic, payload, retain, dup: false })
    await this.#redis.portcullisEnqueue(
      keys.length,
      ...keys,
      packetPrefix + originOf(packet),
      originOf(packet),
      bytes,
      to.length,
      ...to.map(({ qos }) => qos),
      ...fields.flatMap(({ field, value }) => [field, value]),
    )
  }

  /**
   * Notes the identifier that a message is sent with, or that it has been received; a PUBREL, which only has the identifier, is told
   * where its message came from. Rejects where it does not wait for this client.
   */
  async update({ id }: ById, packet: AedesPublish): Promise<void> {
    const state = packet.cmd === 'pubrel' ? 'pubrel' : 'publish'
    const known = packet.brokerId === undefined ? '' : originOf(packet)
    const origin = await this.#redis.portcullisUpdate(1, sentKey(id), known, packet.messageId ?? 0, state)
    if (origin === '') throw new Error(notStored)
    Object.assign(packet, comingFrom(origin))
  }

  /** Takes the message that was sent with this identifier out of the queue; undefined where there is none. */
  async clear({ id }: ById, messageId: number): Promise<AedesPublish | undefined> {
    const keys = [queueKey(id), sentKey(id)]
    const [origin, state, bytes] = await this.#redis.portcullisClearBuffer(2, ...keys, packetPrefix, messageId)
    return origin === undefined ? undefined : delivery(String(origin), String(state), bytes)
  }

  /** What waits for a client, in its order. */
  async *stream({ id }: ById): AsyncGenerator<AedesPublish> {
    const origins = await this.#redis.lrange(queueKey(id), 0, -1)
    for (let at = 0; at < origins.length; at += pageSize) yield* await this.#page(id, origins.slice(at, at + pageSize))
  }

  async #page(clientId: string, origins: readonly string[]): Promise<readonly AedesPublish[]> {
    const read = this.#redis.pipeline()
    for (const origin of origins) read.hget(sentKey(clientId), origin).hgetBuffer(packetPrefix + origin, 'm')
    const answers = (await read.exec()) ?? []
    const failed = answers.find(([error]) => error !== null)?.[0]
    if (failed) throw failed
    return origins.flatMap((origin, index): readonly AedesPublish[] => {
      const [state, bytes] = [answers[2 * index]?.[1], answers[2 * index + 1]?.[1]]
      // it has left the queue since that was read
      return typeof state === 'string' && Buffer.isBuffer(bytes) ? [delivery(origin, state, bytes)] : []
    })
  }
}

/** A message as it waits for one client. */
function delivery(origin: string, state: string, bytes: Buffer | undefined | null): AedesPublish {
  const [qos, messageId, cmd] = state.split(' ')
  const how = { ...comingFrom(origin), messageId: messageId === undefined ? undefined : Number(messageId) }
  if (cmd === 'pubrel') return { ...how, cmd } as AedesPublish
  const message = bytes ? (decode(bytes) as AedesPublish) : ({} as AedesPublish)
  return { ...message, ...how, qos: Number(qos) as Qos }
}

function comingFrom(origin: string): { readonly brokerId: string; readonly brokerCounter: number } {
  const [brokerId = '', counter] = origin.split(':')
  return { brokerId, brokerCounter: Number(counter) }
}
