/**
 * The mutual-TLS listener: TCP in, TLS 1.2 or 1.3 up within its deadline, a socket out. It asks for a certificate but lets
 * the handshake finish without a good one, so that the log can say which certificate was refused; whoever receives the
 * socket must check its peer, and `guard` does.
 */
import { type AddressInfo, createServer, isIPv6, type Socket } from 'node:net'
import tls from 'node:tls'
import { problem } from '../problem.ts'
import type { Trace } from '../trace.ts'
import { Arrival, type ArrivalHall } from './arrival.ts'
import { handshakeProblem } from './handshake-problem.ts'
import type { Limits } from './limits.ts'
import { plainAddress } from './plain-address.ts'
import { addressesIn, type Source } from './proxy-protocol.ts'
import { WaitingConnections } from './waiting-connections.ts'

/** What a TLS handshake of the broker needs, PEM. */
export interface TlsMaterial {
  /** The broker's own key and certificate chain. */
  readonly key: string
  readonly cert: string
  /** Issuing and root certificates that clients may chain to. */
  readonly ca: readonly string[]
}

export interface ListenerOptions extends TlsMaterial {
  readonly limits: Limits
  readonly trace: Trace
  /**
   * Addresses and CIDR ranges of load balancers: what comes from there must begin with a PROXY header of version 2, and counts
   * as coming from where the header says. Default: none, and no header is ever read.
   */
  readonly proxyFrom?: readonly string[] | undefined
  /** Receives each socket once TLS is up; it calls `admitted` when a session is bound. */
  readonly onSecure: (socket: tls.TLSSocket, admitted: () => void) => void
}

export interface Listener {
  readonly address: AddressInfo
  /** TCP connections taken since it was opened, and those that are open. */
  readonly connections: { readonly accepted: number; readonly open: number }
  /** Handshakes from now on use this; connections that are up go on. */
  use(material: TlsMaterial): void
  /** Stops listening; connections that are up go on. */
  stop(): void
  /** Stops listening and destroys every connection. */
  close(): Promise<void>
}

const contextOf = ({ key, cert, ca }: TlsMaterial): tls.SecureContextOptions => ({
  key,
  cert,
  ca: [...ca],
  minVersion: 'TLSv1.2',
})

/**
 * Connections of one load balancer that may wait for their PROXY header, for each that may wait for a log-in. The header comes
 * with the first segment, but a load balancer has all of the plant behind it, and what the system has accepted comes at once.
 */
const headersPerWaiting = 16

/** The TCP connection below a TLS socket: Node's own field, since one that was reset knows no address any more. */
function below(socket: tls.TLSSocket & { readonly _parent?: Socket }): Socket | undefined {
  return socket._parent
}

function sourceOf(socket: Socket): Source {
  return { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 }
}

/** From here on the socket itself says where it comes from, to whoever asks it. */
function showSource(socket: tls.TLSSocket, { address, port }: Source): void {
  Object.defineProperties(socket, {
    remoteAddress: { value: address, enumerable: true },
    remotePort: { value: port, enumerable: true },
    remoteFamily: { value: isIPv6(address) ? 'IPv6' : 'IPv4', enumerable: true },
  })
}

/**
 * Opens the listener. Rejects with Node's error (`EADDRINUSE`, `EACCES`) where the address cannot be had, and with
 * ConfigurationError where `proxyFrom` has what is no address.
 * @example const listener = await openListener({ port: 8883 }, options)
 */
export async function openListener(
  at: { readonly port: number; readonly host?: string | undefined },
  options: ListenerOptions,
): Promise<Listener> {
  const { limits, trace } = options
  const speaksProxy = addressesIn(options.proxyFrom ?? [])
  const open = new Set<Socket>()
  let accepted = 0
  /** Of connections on which no session is bound yet. */
  const arrivals = new WeakMap<Socket, Arrival>()
  const secure = tls.createServer({ ...contextOf(options), requestCert: true, rejectUnauthorized: false })
  const hall: ArrivalHall = {
    limits,
    trace,
    speaksProxy,
    awaitingHeader: new WaitingConnections(headersPerWaiting * limits.unauthenticatedPerAddress),
    waiting: new WaitingConnections(limits.unauthenticatedPerAddress),
    shake: socket => void secure.emit('connection', socket),
  }

  function closed(this: Socket): void {
    open.delete(this)
    const arrival = arrivals.get(this)
    arrival?.dropDeadline()
    arrival?.leave()
  }
  const server = createServer({ noDelay: true }, socket => {
    const arrival = new Arrival(socket, sourceOf(socket), hall)
    open.add(socket)
    accepted++
    arrivals.set(socket, arrival)
    socket.on('close', closed)
    arrival.enter()
  })
  server.maxConnections = limits.connections
  server.on('drop', drop => {
    trace({
      event: 'handshake-refused',
      peer: { address: plainAddress(drop?.remoteAddress) },
      problem: problem('accept/too-many-connections', `all ${limits.connections} connections are in use`),
    })
  })

  secure.on('secureConnection', (socket: tls.TLSSocket) => {
    const connection = below(socket)
    const arrival = connection && arrivals.get(connection)
    if (connection === undefined || arrival === undefined) {
      socket.destroy()
      return
    }
    arrival.dropDeadline()
    if (arrival.isProxied) showSource(socket, arrival.source)
    socket.disableRenegotiation()
    options.onSecure(socket, () => {
      arrival.leave()
      arrivals.delete(connection)
    })
  })
  secure.on('tlsClientError', (error: Error & { code?: string }, socket: tls.TLSSocket) => {
    const connection = below(socket)
    const arrival = connection && arrivals.get(connection)
    if (arrival?.isRefused !== true) {
      const { address } = arrival?.source ?? sourceOf(socket)
      trace({ event: 'handshake-refused', peer: { address }, problem: handshakeProblem(error) })
    }
    socket.destroy()
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  server.on('error', error =>
    trace({
      event: 'alarm',
      problem: problem('accept/too-many-connections', `the system gives no more connections: ${error.message}`),
    }),
  )
  return {
    address: server.address() as AddressInfo,
    get connections() {
      return { accepted, open: open.size }
    },
    stop: () => void server.close(),
    use: material => secure.setSecureContext(contextOf(material)),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}
