/** guard: puts a gate into an aedes that somebody already has. From then on every way into the broker is checked or shut. */
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type Peer, readPeer } from '../../accept/peer.ts'
import type { Gate } from '../../gate.ts'
import { ConfigurationError, type Problem, problem } from '../../problem.ts'
import type { TracedPeer } from '../../trace.ts'
import { DenialBudget } from '../denial-budget.ts'
import { QueueLedger } from '../queue-ledger.ts'
import { RetainedTopics } from '../retained-topics.ts'
import { newLooks } from '../write-watch.ts'
import { Acknowledgements } from './acknowledge-when-stored.ts'
import { type ConnectedBroker, Connection } from './connection.ts'
import { Deliveries } from './deliveries.ts'
import { type Drained, drain } from './drain.ts'
import { DirectInput, hasInternals } from './fast/direct-input.ts'
import { PublishEncoder } from './fast/publish-encoder.ts'
import { followClients } from './follow-clients.ts'
import { authorizeForward } from './hook-forward.ts'
import { authenticate, preConnect } from './hook-login.ts'
import { authorizePublish } from './hook-publish.ts'
import { authorizeSubscribe } from './hook-subscribe.ts'
import type { GuardContext, HookContext } from './hooks.ts'
import { type BrokerSide, inspect } from './inspect.ts'
import { guardPersistence, type PersistenceContext } from './persistence.ts'
import { purgeKept } from './purge.ts'
import { restoreKept } from './restore.ts'
import type { AedesBroker, AedesClient, AedesHooks, AedesPersistence } from './shape.ts'
import { SubscribeBatches } from './subscribe-batches.ts'
import { unblockDelivery } from './unblock-delivery.ts'

export interface GuardOptions {
  /**
   * Whether packets may go round aedes' parser and QoS 0 deliveries round its writer, where the aedes is the very one that this
   * was made for. The same is decided either way. Default: true.
   */
  readonly fastPath?: boolean
}

export interface Guarded {
  readonly broker: AedesBroker
  /** Whether it runs on the fast path. */
  readonly fastPath: boolean
  readonly gate: Gate
  /** Takes each socket of a TLS listener with `requestCert: true`; checks and destroys. */
  readonly handle: (socket: Duplex, request?: unknown) => void
  /** For a listener that counts connections waiting to log in. */
  readonly accept: (socket: TLSSocket, admitted: () => void) => void
  /** For a protocol between TLS and MQTT: the peer, read once, or undefined where it is not trusted and the socket destroyed. */
  readonly trust: (socket: Duplex) => Peer | undefined
  /** What the broker keeps and does for a client id that has a session. */
  readonly inspect: (clientId: string) => Promise<BrokerSide>
  /** Takes the MQTT bytes of a trusted peer. */
  readonly connect: (stream: Duplex, peer: Peer, admitted: () => void) => void
  /**
   * Brings what a store has kept since another life of the broker under the policy in force; to be called once, before any client
   * comes. `isShared`: other brokers use the store, and wills in it may be of clients that they have.
   */
  readonly restore: (options?: { readonly isShared?: boolean }) => Promise<void>
  /** Ends all sessions politely before the broker stops, within that time. New ones are the listener's to stop. */
  readonly drain: (withinMs: number) => Promise<Drained>
}

/** What the fast path touches is not public: it is taken with no other version. */
const fastPathVersion = '1.2.0'

const guardedBrokers = new WeakSet<object>()
const hookNames = ['preConnect', 'authenticate', 'authorizePublish', 'authorizeSubscribe', 'authorizeForward'] as const

function checkVersion(broker: AedesBroker): void {
  const version = broker.version ?? 'unknown'
  const [major, minor] = version.split('.').map(Number)
  if (major === 1 && minor !== undefined && minor >= 2) return
  throw new ConfigurationError([
    problem('enforce/broker-version', `the guard is made for aedes 1.2 and later 1.x; this is ${version}`, {
      help: 'npm install aedes@^1.2.0',
    }),
  ])
}

/** Our hooks stand in front for good: what the host has assigned, or assigns later, is asked after ours. */
function installHooks(broker: AedesBroker, build: (host: HookContext['host']) => AedesHooks): void {
  const hosts = new Map<keyof AedesHooks, unknown>(hookNames.map(name => [name, broker[name]]))
  const ours = build(name => hosts.get(name) as never)
  for (const name of hookNames) {
    Object.defineProperty(broker, name, {
      enumerable: true,
      configurable: false,
      get: () => ours[name],
      set: (hook: unknown) => {
        if (typeof hook !== 'function') throw new TypeError(`${name} must be a function`)
        hosts.set(name, hook)
      },
    })
  }
}

/** Wraps the persistence that the broker has, and any that it is given later. `onKeeping`: it outlives the process. */
function installPersistence(
  broker: AedesBroker,
  context: Omit<PersistenceContext, 'isInMemory'>,
  onKeeping: () => void,
): void {
  const wrap = (persistence: AedesPersistence): AedesPersistence => {
    const isForgetful = isInMemory(persistence)
    if (!isForgetful) {
      if (!context.gate.hasOwnerStore) throw new ConfigurationError([ownersMissing()])
      onKeeping()
    }
    guardPersistence(persistence, { ...context, isInMemory: isForgetful })
    return persistence
  }
  let current = wrap(broker.persistence)
  Object.defineProperty(broker, 'persistence', {
    enumerable: true,
    configurable: false,
    get: () => current,
    set: (next: AedesPersistence) => {
      if (next !== current) current = wrap(next)
    },
  })
}

/** aedes's own persistence, which forgets everything when the process ends, as the default store of owners does. */
function isInMemory(persistence: AedesPersistence & { asyncPersistence?: object }): boolean {
  return (persistence.asyncPersistence ?? persistence).constructor.name === 'MemoryPersistence'
}

const ownersMissing = (): Problem =>
  problem('enforce/owner-store-missing', 'this persistence keeps sessions, and nothing keeps whose they are', {
    help: 'pass `owners: await ownersIn(broker)` to openGate, or an OwnerStore of your own that lasts as long',
  })

/**
 * Guards a broker. Hooks that the host has set, or sets later, are composed: ours first, theirs can only narrow.
 * Any other way into the broker (a kept `broker.handle`, plain TCP) is refused.
 * @throws ConfigurationError on an aedes that this guard was not made for, or on a persistence that keeps sessions where the
 * gate has no `owners`; TypeError when broker or gate is guarded already.
 * @example const guarded = guard(await Aedes.createBroker(), gate)
 */
export function guard(host: object, gate: Gate, options: GuardOptions = {}): Guarded {
  const broker = host as AedesBroker
  if (guardedBrokers.has(broker)) throw new TypeError('this broker is guarded already')
  checkVersion(broker)
  const ledger = new QueueLedger(gate.limits)
  const batches = new SubscribeBatches()
  const deliveries = new Deliveries()
  const denials = new DenialBudget(gate.limits.deniedPerMinute, Date.now)
  let acknowledgements: Acknowledgements | undefined
  installPersistence(broker, { gate, batches, ledger, deliveries }, () => {
    acknowledgements ??= new Acknowledgements(broker)
  })
  gate.serve(clientId => purgeKept(broker, clientId, ledger))
  guardedBrokers.add(broker)

  const fastPath = (options.fastPath ?? true) && broker.version === fastPathVersion
  const connections = new WeakMap<Duplex, Connection>()
  const connectionOf = (conn: Duplex): Connection | undefined => connections.get(conn)
  const context: GuardContext = {
    gate,
    broker,
    connectionOf,
    deliveries,
    batches,
    retained: new RetainedTopics(gate.limits.retainedTopics),
    isFast: fastPath,
    encoder: fastPath ? new PublishEncoder() : undefined,
    holdAnswer: packet => acknowledgements?.hold(packet),
  }
  installHooks(broker, name => {
    const hooks = { ...context, host: name }
    return {
      preConnect: preConnect(hooks),
      authenticate: authenticate(hooks),
      authorizePublish: authorizePublish(hooks),
      authorizeSubscribe: authorizeSubscribe(hooks),
      authorizeForward: authorizeForward(hooks),
    }
  })
  unblockDelivery(broker)
  followClients(context)

  function closed(this: Duplex): void {
    connectionOf(this)?.closed()
  }
  const inner = broker.handle
  const side: ConnectedBroker = {
    gate,
    denials,
    looks: newLooks(),
    attach: conn => void inner.call(broker, conn),
    inbound: conn => (fastPath ? directInput(conn) : undefined),
    isRegistered: conn => isRegistered(broker, conn),
    suppressWill: conn => suppressWill(broker, conn),
  }
  const trust = (socket: Duplex): Peer | undefined => {
    if (!(socket instanceof TLSSocket)) {
      shut(gate, socket, { address: 'unknown' }, notTls())
      return undefined
    }
    const peer = readPeer(socket)
    const trusted = gate.trust(peer)
    if (trusted.ok) return trusted.value
    shut(gate, socket, tracedPeer(gate, peer), trusted.problem)
    return undefined
  }
  const connect = (stream: Duplex, peer: Peer, admitted: () => void): void => {
    connections.set(stream, new Connection(peer, stream, side, admitted))
    stream.on('close', closed)
  }
  const accept = (socket: Duplex, admitted: () => void): void => {
    const peer = trust(socket)
    if (peer !== undefined) connect(socket, peer, admitted)
  }
  const handle = (socket: Duplex): void => accept(socket, () => {})
  broker.handle = handle
  return {
    broker,
    gate,
    fastPath,
    handle,
    accept,
    trust,
    connect,
    inspect: clientId => inspect(context, ledger, clientId),
    restore: ({ isShared = false } = {}) => restoreKept(broker, gate, ledger, isShared),
    drain: withinMs => drain(context, withinMs),
  }
}

/** What is known of a peer before it has a session. */
export function tracedPeer(gate: Gate, peer: Peer): TracedPeer {
  const subject = gate.subjectOf(peer)
  const { address, fingerprint } = peer
  return { address, ...(fingerprint === '' ? {} : { fingerprint }), ...(subject === undefined ? {} : { subject }) }
}

const notTls = (): Problem => problem('enforce/not-guarded', 'a connection without TLS reached the broker')

function shut(gate: Gate, socket: Duplex, peer: TracedPeer, p: Problem): void {
  gate.trace({ event: 'handshake-refused', peer, problem: p })
  socket.on('error', () => undefined)
  socket.destroy()
}

function directInput(conn: Duplex & { client?: AedesClient }): DirectInput | undefined {
  return conn.client !== undefined && hasInternals(conn.client) ? new DirectInput(conn, conn.client) : undefined
}

function isRegistered(broker: AedesBroker, conn: Duplex & { client?: AedesClient }): boolean {
  return conn.client !== undefined && broker.clients[conn.client.id] === conn.client
}

/** A session that was revoked, or is nobody any more, says nothing when it goes (docs/semantics.md 3.7). */
function suppressWill(broker: AedesBroker, conn: Duplex & { client?: AedesClient }): void {
  const { client } = conn
  if (client === undefined) return
  client.will = null
  client._will = null
  broker.persistence.delWill({ id: client.id, brokerId: broker.id }).catch(() => {
    // the broker's store is the host's: a will that stays there is decided again when due, and this session is refused then
  })
}
