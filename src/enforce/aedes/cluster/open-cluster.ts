/**
 * A node of a cluster: brokers that share sessions, queues, retained messages and wills in one Redis, and know of each other.
 * Whoever may write to that Redis may do everything: it belongs behind a password, TLS and a network of its own.
 */
import { randomUUID } from 'node:crypto'
import { Redis, type RedisOptions } from 'ioredis'
import type { TimeMemory } from '../../../accept/newest-time.ts'
import { identityKey } from '../../../bind/identity-key.ts'
import type { LiveRegistry } from '../../../bind/live-registry.ts'
import type { OwnerStore } from '../../../bind/owner-store.ts'
import type { Gate } from '../../../gate.ts'
import { ConfigurationError, type Problem, problem } from '../../../problem.ts'
import type { Session } from '../../../session.ts'
import type { AedesPersistence } from '../shape.ts'
import { clusterEmitter } from './cluster-emitter.ts'
import { ClusterPersistence } from './cluster-persistence.ts'
import {
  type AskedToEnd,
  endChannel,
  leftChannel,
  nodeKey,
  RedisLiveRegistry,
  stayChannel,
} from './redis-live-registry.ts'
import { ownersChannel, RedisOwnerStore } from './redis-owner-store.ts'
import { subscriptionsChannel } from './redis-subscriptions.ts'
import { Rereading } from './rereading.ts'
import { crlChannel, SharedCrls } from './shared-crls.ts'

export interface ClusterNode {
  readonly brokerId: string
  readonly persistence: AedesPersistence
  /** For aedes' `mq`. */
  readonly emitter: object
  readonly owners: OwnerStore
  readonly registry: LiveRegistry
  /** For `openGate({ timeMemory })`. */
  readonly timeMemory: TimeMemory
  /** Makes the node one of the cluster: it is known to the others from now on, and ends what they take over. */
  join(gate: Gate): Promise<void>
  /** Why no client should be sent here now; undefined where nothing speaks against it. */
  problem(): Problem | undefined
  close(): Promise<void>
}

/** A node that has not been heard of for this long is dead. */
const presenceMs = 8_000
const beatMs = 2_000
/** What Redis has not answered by then has failed: whoever waits for it must not hold up everybody behind it. */
const answerMs = 10_000
/** Longer than it takes to bring a policy to all nodes. */
const differenceMs = 30_000

/** Rejects with ConfigurationError `cluster/no-redis`. */
export async function openCluster(url: string, now: () => number = Date.now): Promise<ClusterNode> {
  const connections: Redis[] = []
  let reason: unknown
  const connect = async (options: RedisOptions): Promise<Redis> => {
    const redis = new Redis(url, { lazyConnect: true, ...options })
    connections.push(redis)
    handleRejections(redis)
    // ioredis tells of every attempt; the node's `problem` says what matters
    redis.on('error', error => {
      reason ??= error
    })
    await redis.connect()
    return redis
  }
  try {
    const [store, subscriber, publisher, listener] = [
      await connect(asking),
      await connect(listening),
      await connect(asking),
      await connect(listening),
    ]
    const node = new Node({ store, subscriber, publisher, listener }, now)
    await node.follow()
    return node
  } catch (error) {
    for (const one of connections) one.disconnect()
    throw noRedis(url, reason ?? error)
  }
}

/** Libraries leave commands that nobody waits for: that one of those failed, as when Redis went away, must not end the node. */
function handleRejections(redis: Redis): void {
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (...command) => {
    const answer = send(...command)
    if (answer instanceof Promise) answer.catch(() => undefined)
    return answer
  }
}

/** A transaction whose answer was lost may have been made: sent again, it would queue a message twice. */
const asking: RedisOptions = { maxRetriesPerRequest: 5, commandTimeout: answerMs, autoResendUnfulfilledCommands: false }
/** A subscription that was not made is made as soon as Redis is back, or this node would never hear of its topic. */
const listening: RedisOptions = { maxRetriesPerRequest: null }

interface Connections {
  readonly store: Redis
  readonly subscriber: Redis
  readonly publisher: Redis
  readonly listener: Redis
}

class Node implements ClusterNode {
  readonly brokerId = randomUUID()
  readonly persistence: AedesPersistence
  readonly emitter: object
  readonly owners: RedisOwnerStore
  readonly registry: RedisLiveRegistry
  readonly timeMemory: TimeMemory
  readonly #persistence: ClusterPersistence
  readonly #connections: Connections
  readonly #now: () => number
  readonly #timers: NodeJS.Timeout[] = []
  readonly #rereadings: Rereading[] = []
  #crls: SharedCrls | undefined
  #lastBeat = 0
  #differentSince: number | undefined
  #isClosing = false

  constructor(connections: Connections, now: () => number) {
    const { store, subscriber, publisher } = connections
    this.#connections = connections
    this.#now = now
    this.#persistence = new ClusterPersistence(store)
    this.persistence = this.#persistence as unknown as AedesPersistence
    this.emitter = clusterEmitter(subscriber, publisher)
    this.owners = new RedisOwnerStore(store)
    this.registry = new RedisLiveRegistry(store, this.brokerId)
    this.timeMemory = timeMemoryIn(store)
  }

  /** Hears which subscriptions change, from before they are read for the first time. */
  async follow(): Promise<void> {
    const { listener } = this.#connections
    const { subscriptions } = this.#persistence
    listener.on('message', (channel: string, clientId: string) => {
      if (channel === subscriptionsChannel) subscriptions.heard(clientId).catch(() => undefined)
    })
    await listener.subscribe(subscriptionsChannel)
    this.#readAnew(() => subscriptions.refresh())
  }

  /** Each time that Redis was away. */
  #readAnew(read: () => Promise<unknown>): void {
    const { listener } = this.#connections
    // the answer comes behind that of the subscription: what changes from then on is heard
    const rereading = new Rereading(() => listener.ping().then(read))
    this.#rereadings.push(rereading)
    listener.on('ready', () => rereading.begin())
  }

  async join(gate: Gate): Promise<void> {
    const { store, listener, subscriber } = this.#connections
    listener.on('message', (channel: string, message: string) => this.#hear(gate, channel, message))
    await listener.subscribe(ownersChannel, leftChannel, stayChannel, crlChannel, endChannel(this.brokerId))
    await this.#beat(gate)
    const crls = new SharedCrls(store, gate)
    this.#crls = crls
    await crls.exchange()
    const beat = (): void => {
      const tryAgain = (): void => {
        for (const one of this.#rereadings) one.tryAgain()
      }
      this.#beat(gate).then(tryAgain, () => undefined)
    }
    this.#timers.push(setInterval(beat, beatMs).unref())
    this.#readAnew(() => this.#refreshOwners(gate))
    this.#readAnew(() => crls.exchange())
    // what others sent meanwhile has been missed: a kept session that connects again reads its queue
    subscriber.on('ready', () => {
      const isForgotten = this.#now() - this.#lastBeat > presenceMs
      for (const session of gate.sessions.live) if (isForgotten || !session.clean) session.supersede(redisAway())
    })
  }

  problem(): Problem | undefined {
    if (this.#now() - this.#lastBeat > presenceMs) return redisAway()
    const isDifferent = this.#differentSince !== undefined && this.#now() - this.#differentSince > differenceMs
    return isDifferent ? revisionsDiffer() : undefined
  }

  async close(): Promise<void> {
    this.#isClosing = true
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    await this.#connections.store.del(nodeKey(this.brokerId)).catch(() => undefined)
    for (const one of Object.values(this.#connections)) one.disconnect()
  }

  #hear(gate: Gate, channel: string, message: string): void {
    if (channel === subscriptionsChannel) return
    if (channel === crlChannel) this.#crls?.heard(message).catch(() => undefined)
    else if (channel === ownersChannel) this.owners.heard(message).catch(() => undefined)
    else if (channel === leftChannel || channel === stayChannel) this.registry.heard(message, channel === leftChannel)
    else this.#endFor(gate, message).catch(() => undefined)
  }

  /** Another node takes over; where it is another identity here, it does not. */
  async #endFor(gate: Gate, message: string): Promise<void> {
    const asked = JSON.parse(message) as AskedToEnd
    const { clientId, identity } = asked
    const isMeant = (session: Session): boolean =>
      this.registry.isOf(asked) && identityKey(session.identity) === identity
    const outcome = await gate.sessions.giveUp(clientId, isMeant, takenOver())
    const isStale = !this.registry.isOf(asked)
    // what has ended has told so
    if (outcome === 'absent' && !isStale) this.registry.leave(asked)
    else if (outcome !== 'ended') this.registry.tell(clientId, isStale)
  }

  /** Says that the node is there, and under which policy; looks at what the others say. */
  async #beat(gate: Gate): Promise<void> {
    const { store } = this.#connections
    const { revision } = gate.policy
    await store.set(nodeKey(this.brokerId), revision, 'PX', presenceMs)
    if (this.#isClosing) return
    await store.sadd('portcullis:nodes', this.brokerId)
    const nodes = await store.smembers('portcullis:nodes')
    const revisions = await store.mget(nodes.map(nodeKey))
    const dead = nodes.filter((_, index) => revisions[index] === null)
    if (dead.length > 0) await store.srem('portcullis:nodes', ...dead)
    this.#lastBeat = this.#now()
    const isDifferent = revisions.some(one => one !== null && one !== revision)
    this.#differentSince = isDifferent ? (this.#differentSince ?? this.#now()) : undefined
  }

  /** Changes that were told while Redis was away. */
  async #refreshOwners(gate: Gate): Promise<void> {
    const known = new Set([...gate.sessions.keptIds, ...(await this.owners.all()).map(([clientId]) => clientId)])
    for (const clientId of known) await this.owners.heard(clientId)
  }
}

const timeKey = 'portcullis:newest-time'
/** Nodes write at once: the later time stays. */
const laterScript = `
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[1]) or '0') then redis.call('SET', KEYS[1], ARGV[1]) end
return 1`

function timeMemoryIn(redis: Redis): TimeMemory {
  return {
    read: async () => Number((await redis.get(timeKey)) ?? 0),
    write: async ms => void (await redis.eval(laterScript, 1, timeKey, ms)),
  }
}

const redisAway = (): Problem =>
  problem('cluster/redis-away', 'the Redis of the cluster went away', {
    help: 'start it again; nodes recover by themselves',
  })

const revisionsDiffer = (): Problem =>
  problem('cluster/revisions-differ', 'nodes of the cluster have had different policies in force for more than 30 s', {
    help: 'bring the same policies to all nodes',
  })

const takenOver = (): Problem => problem('bind/taken-over', 'the same identity has connected to another node')

/** The address without its password. */
function noRedis(url: string, error: unknown): ConfigurationError {
  const at = URL.canParse(url) ? new URL(url).host : 'that address'
  const { code, message = '' } = error as { code?: string; message?: string }
  const reason = code ?? /^(NOAUTH|WRONGPASS|NOPERM)/.exec(message)?.[1] ?? 'no answer'
  return new ConfigurationError([
    problem('cluster/no-redis', `Redis at ${at} cannot be used (${reason})`, {
      help: 'start it, or correct the address: --cluster redis://HOST:6379',
    }),
  ])
}
