/**
 * A node of a cluster: brokers that share sessions, queues, retained messages and wills in one Redis, and know of each other.
 * Whoever may write to that Redis may do everything: it belongs behind a password, TLS and a network of its own.
 */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Redis } from 'ioredis'
import type { TimeMemory } from '../../../accept/newest-time.ts'
import { identityKey } from '../../../bind/identity-key.ts'
import { inSlices } from '../../../bind/in-slices.ts'
import type { LiveRegistry } from '../../../bind/live-registry.ts'
import type { OwnerStore } from '../../../bind/owner-store.ts'
import type { Gate } from '../../../gate.ts'
import { type Problem, problem } from '../../../problem.ts'
import type { Session } from '../../../session.ts'
import type { AedesPersistence } from '../shape.ts'
import { clusterEmitter } from './cluster-emitter.ts'
import { ClusterPersistence } from './cluster-persistence.ts'
import { DeadNodes } from './dead-nodes.ts'
import { connectRedis, type RedisConnections } from './redis-connections.ts'
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
/** Longer than it takes to bring a policy to all nodes. */
const differenceMs = 30_000

/** Rejects with ConfigurationError `cluster/no-redis`. */
export async function openCluster(url: string, now: () => number = Date.now): Promise<ClusterNode> {
  const connections = await connectRedis(url)
  const node = new Node(connections, now)
  await node.follow()
  return node
}

class Node implements ClusterNode {
  readonly brokerId = randomUUID()
  readonly persistence: AedesPersistence
  readonly emitter: object
  readonly owners: RedisOwnerStore
  readonly registry: RedisLiveRegistry
  readonly timeMemory: TimeMemory
  readonly #persistence: ClusterPersistence
  readonly #deadNodes: DeadNodes
  readonly #connections: RedisConnections
  readonly #now: () => number
  readonly #timers: NodeJS.Timeout[] = []
  #gate: Gate | undefined
  #crls: SharedCrls | undefined
  #lastBeat = 0
  #differentSince: number | undefined
  #isClosing = false
  /** Something may have been told that this node did not hear. */
  #isBehind = true
  #catchingUp: Promise<void> | undefined

  constructor(connections: RedisConnections, now: () => number) {
    const { store, subscriber, publisher } = connections
    this.#connections = connections
    this.#now = now
    this.#persistence = new ClusterPersistence(store)
    // aedes looks for wills of dead nodes itself, and lets one that cannot be sent end the process: it finds none
    const persistence = Object.assign(this.#persistence, { streamWill: () => Readable.from([]) })
    this.persistence = persistence as unknown as AedesPersistence
    this.#deadNodes = new DeadNodes(this.#persistence, presenceMs)
    this.emitter = clusterEmitter(subscriber, publisher)
    this.owners = new RedisOwnerStore(store)
    this.registry = new RedisLiveRegistry(store, this.brokerId)
    this.timeMemory = timeMemoryIn(store)
  }

  /** Hears which subscriptions change, from before they are read for the first time. */
  async follow(): Promise<void> {
    const { listener } = this.#connections
    listener.on('message', (channel: string, message: string) => this.#hear(channel, message))
    await listener.subscribe(subscriptionsChannel)
  }

  async join(gate: Gate): Promise<void> {
    const { store, listener, subscriber } = this.#connections
    this.#gate = gate
    await listener.subscribe(ownersChannel, leftChannel, stayChannel, crlChannel, endChannel(this.brokerId))
    this.#crls = new SharedCrls(store, gate)
    await this.#beat(gate)
    this.#timers.push(setInterval(() => this.#beat(gate).catch(() => undefined), beatMs).unref())
    listener.on('close', () => this.#persistence.subscriptions.miss())
    listener.on('ready', () => {
      this.#isBehind = true
      this.#beat(gate).catch(() => undefined)
    })
    subscriber.on('ready', () => void endMissed(gate.sessions.live))
  }

  problem(): Problem | undefined {
    if (this.#isBehind || this.#now() - this.#lastBeat > presenceMs) return redisAway()
    const isDifferent = this.#differentSince !== undefined && this.#now() - this.#differentSince > differenceMs
    return isDifferent ? revisionsDiffer() : undefined
  }

  async close(): Promise<void> {
    this.#isClosing = true
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    await this.#connections.store.del(nodeKey(this.brokerId)).catch(() => undefined)
    for (const one of Object.values(this.#connections)) one.disconnect()
  }

  #hear(channel: string, message: string): void {
    if (channel === subscriptionsChannel) this.#persistence.subscriptions.heard(message).catch(this.#missed)
    else if (channel === crlChannel) this.#crls?.heard(message).catch(this.#missed)
    else if (channel === ownersChannel) this.owners.heard(message).catch(this.#missed)
    else if (channel === leftChannel || channel === stayChannel) this.registry.heard(message, channel === leftChannel)
    else this.#endFor(message).catch(() => undefined)
  }

  /** Another node takes over; where it is another identity here, it does not. */
  async #endFor(message: string): Promise<void> {
    const gate = this.#gate
    if (gate === undefined) return
    const asked = JSON.parse(message) as AskedToEnd
    const { clientId, identity } = asked
    const isMeant = (session: Session): boolean =>
      this.registry.isOf(asked) && identityKey(session.identity) === identity
    const outcome = await gate.sessions.giveUp(clientId, isMeant, takenOver())
    // what has ended has told so
    if (outcome === 'absent') this.registry.release(asked)
    else if (outcome === 'kept') this.registry.tell(clientId, !this.registry.isOf(asked))
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
    this.registry.sayAgain()
    const alive = nodes.filter((_, index) => revisions[index] !== null)
    this.#deadNodes.beat(alive, this.#lastBeat)
    const isDifferent = revisions.some(one => one !== null && one !== revision)
    this.#differentSince = isDifferent ? (this.#differentSince ?? this.#now()) : undefined
    if (!this.#isBehind) return
    this.#catchingUp ??= this.#catchUp(gate).finally(() => {
      this.#catchingUp = undefined
    })
    await this.#catchingUp
  }

  /** Reads what was told before this node listened, or while Redis was away; where that fails, with the next beat. */
  async #catchUp(gate: Gate): Promise<void> {
    // the answer comes behind that of the subscriptions: what is told from then on is heard
    await this.#connections.listener.ping()
    this.#isBehind = false
    try {
      await this.owners.refresh(gate.sessions.keptIds)
      // messages have waited for these: from here on they are queued, for whom somebody owns
      await this.#persistence.subscriptions.refresh()
      await this.#crls?.exchange()
    } catch (error) {
      this.#missed()
      throw error
    }
  }

  /** What was told could not be read: for whom a message is, is not known before it has been. */
  readonly #missed = (): void => {
    this.#isBehind = true
    this.#persistence.subscriptions.miss()
  }
}

/**
 * What others published meanwhile did not reach these connections, and no answer would ever say so. A kept session that connects again
 * reads its queue; a clean one begins anew.
 */
async function endMissed(sessions: readonly Session[]): Promise<void> {
  await inSlices(sessions, session => session.supersede(redisAway()))
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
