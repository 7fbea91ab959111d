/** guard: puts a gate into an aedes that somebody already has. From then on every way into the broker is checked or shut. */
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { readPeer } from '../../accept/peer.ts'
import type { Gate } from '../../gate.ts'
import { ConfigurationError, type Problem, problem } from '../../problem.ts'
import { Connection } from './connection.ts'
import { guardHooks, type HookContext } from './hooks.ts'
import type { AedesBroker, AedesHooks } from './shape.ts'

export interface Guarded {
  readonly broker: AedesBroker
  readonly gate: Gate
  /** Takes each socket of a TLS listener with `requestCert: true`; checks and destroys. */
  readonly handle: (socket: Duplex, request?: unknown) => void
  /** For a listener that counts connections waiting to log in. */
  readonly accept: (socket: TLSSocket, admitted: () => void) => void
}

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

/**
 * Guards a broker. Hooks that the host has set, or sets later, are composed: ours first, theirs can only narrow.
 * Any other way into the broker (a kept `broker.handle`, plain TCP) is refused.
 * @throws ConfigurationError on an aedes that this guard was not made for; TypeError when guarded twice.
 * @example const guarded = guard(await Aedes.createBroker(), gate)
 */
export function guard(host: object, gate: Gate): Guarded {
  const broker = host as AedesBroker
  if (guardedBrokers.has(broker)) throw new TypeError('this broker is guarded already')
  checkVersion(broker)
  guardedBrokers.add(broker)

  const connections = new WeakMap<Duplex, Connection>()
  const connectionOf = (conn: Duplex): Connection | undefined => connections.get(conn)
  installHooks(broker, hook => guardHooks({ gate, broker, connectionOf, host: hook }))

  // what aedes cannot read: the reason goes into the `disconnected` event
  const onBadClient = (client: { conn: Duplex }, error: Error): void => {
    const connection = connectionOf(client.conn)
    const p = problem('enforce/protocol-error', `the connection was closed: ${error.message}`)
    connection?.ending(p)
    if (connection?.session === undefined) connection?.refuse(p)
  }
  broker.on('clientError', onBadClient)
  broker.on('connectionError', onBadClient)
  // without a listener, an error that aedes reports on the broker ends the process
  broker.on('error', (error: Error) =>
    gate.trace({ event: 'alarm', problem: problem('enforce/broker-error', error.message) }),
  )

  const inner = broker.handle
  const shut = (socket: Duplex, address: string, p: Problem, fingerprint = '', subject?: string): void => {
    gate.trace({
      event: 'handshake-refused',
      peer: { address, ...(fingerprint === '' ? {} : { fingerprint }), ...(subject === undefined ? {} : { subject }) },
      problem: p,
    })
    socket.on('error', () => undefined)
    socket.destroy()
  }
  const accept = (socket: Duplex, admitted: () => void): void => {
    if (!(socket instanceof TLSSocket)) {
      shut(socket, 'unknown', problem('enforce/not-guarded', 'a connection without TLS reached the broker'))
      return
    }
    const peer = readPeer(socket)
    const trusted = gate.trust(peer)
    if (!trusted.ok) {
      shut(socket, peer.address, trusted.problem, peer.fingerprint, gate.subjectOf(peer))
      return
    }
    connections.set(socket, new Connection(gate, peer, socket, admitted))
    inner.call(broker, socket)
  }
  const handle = (socket: Duplex): void => accept(socket, () => {})
  broker.handle = handle
  return { broker, gate, handle, accept }
}
