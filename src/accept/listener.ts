/**
 * The mutual-TLS listener: TCP in, TLS 1.2 or 1.3 up within its deadline, a socket out. It asks for a certificate but lets
 * the handshake finish without a good one, so that the log can say which certificate was refused; whoever receives the
 * socket must check its peer, and `guard` does.
 */
import { type AddressInfo, createServer, isIPv6, type Socket } from 'node:net'
import tls from 'node:tls'
import { type Problem, problem } from '../problem.ts'
import type { Trace } from '../trace.ts'
import { handshakeProblem } from './handshake-problem.ts'
import type { Limits } from './limits.ts'
import { plainAddress } from './plain-address.ts'
import { addressesIn, readProxyHeader, type Source } from './proxy-protocol.ts'
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

/** One TCP connection. */
interface Connection {
  /** Who is at the other end: as TCP says, until a PROXY header says otherwise. */
  source: Source
  isProxied: boolean
  /** Of the handshake, a PROXY header before it included. */
  readonly deadline: NodeJS.Timeout
  /** It waits for nobody to log in any more. */
  leave: () => void
  /** Told already: what comes of it need not be. */
  refused: boolean
}

/**
 * Connections of one load balancer that may wait for their PROXY header, for each that may wait for a log-in. The header comes
 * with the first segment, but a load balancer has all of the plant behind it, and what the system has accepted comes at once.
 */
const headersPerWaiting = 16

/** A TCP connection and TLS socket share these four; they are unique while the connection is open. */
function connectionKey(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
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
  const handshaking = new Map<string, Connection>()
  const connections = new WeakMap<Socket, Connection>()
  const waiting = new WaitingConnections(limits.unauthenticatedPerAddress)
  const awaitingHeader = new WaitingConnections(headersPerWaiting * limits.unauthenticatedPerAddress)
  const secure = tls.createServer({ ...contextOf(options), requestCert: true, rejectUnauthorized: false })

  const server = createServer({ noDelay: true }, socket => {
    const refuse = (p: Problem): void => {
      connection.refused = true
      trace({ event: 'handshake-refused', peer: { address: connection.source.address }, problem: p })
      socket.destroy()
    }
    // node's own handshakeTimeout only emits an event and leaves the socket open
    const deadline = setTimeout(() => {
      refuse(problem('accept/handshake-timeout', `no TLS handshake within ${limits.handshakeSeconds} s`))
    }, limits.handshakeSeconds * 1000)
    const connection: Connection = {
      source: sourceOf(socket),
      isProxied: false,
      deadline,
      leave: () => undefined,
      refused: false,
    }
    const key = connectionKey(socket)
    open.add(socket)
    accepted++
    connections.set(socket, connection)
    socket.once('close', () => {
      clearTimeout(deadline)
      open.delete(socket)
      handshaking.delete(key)
      connection.leave()
    })
    /** Counts it among those of its address; false where there are too many, and it is refused. */
    const enter = (counted: WaitingConnections, limit: number, what: string): boolean => {
      const leave = counted.enter(connection.source.address)
      if (leave === undefined)
        refuse(problem('accept/too-many-waiting', `${limit} connections from this address ${what}`))
      else connection.leave = leave
      return leave !== undefined
    }
    const shake = (): void => {
      if (!enter(waiting, limits.unauthenticatedPerAddress, 'have not logged in yet')) return
      handshaking.set(key, connection)
      secure.emit('connection', socket)
    }
    if (!speaksProxy(connection.source.address)) return shake()
    const most = headersPerWaiting * limits.unauthenticatedPerAddress
    if (!enter(awaitingHeader, most, 'have not sent their PROXY header yet')) return
    readProxyHeader(socket, header => {
      connection.leave()
      if (!header.ok) return refuse(header.problem)
      if (header.value.source !== undefined) {
        connection.source = header.value.source
        connection.isProxied = true
      }
      shake()
    })
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
    const connection = handshaking.get(connectionKey(socket))
    if (connection === undefined) {
      socket.destroy()
      return
    }
    clearTimeout(connection.deadline)
    if (connection.isProxied) showSource(socket, connection.source)
    socket.disableRenegotiation()
    options.onSecure(socket, connection.leave)
  })
  secure.on('tlsClientError', (error: Error & { code?: string }, socket: tls.TLSSocket & { _parent?: Socket }) => {
    // a socket that was reset knows its peer no more, and only Node's own field tells of which connection it was
    const connection = socket._parent && connections.get(socket._parent)
    if (connection?.refused !== true) {
      const { address } = connection?.source ?? sourceOf(socket)
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
