/**
 * The mutual-TLS listener: TCP in, TLS 1.2 or 1.3 up within its deadline, a socket out. It asks for a certificate but lets
 * the handshake finish without a good one, so that the log can say which certificate was refused; whoever receives the
 * socket must check its peer, and `guard` does.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import tls from 'node:tls'
import { problem } from '../problem.ts'
import type { Trace } from '../trace.ts'
import { handshakeProblem } from './handshake-problem.ts'
import type { Limits } from './limits.ts'
import { plainAddress } from './plain-address.ts'
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
  /** Receives each socket once TLS is up; it calls `admitted` when a session is bound. */
  readonly onSecure: (socket: tls.TLSSocket, admitted: () => void) => void
}

export interface Listener {
  readonly address: AddressInfo
  /** Handshakes from now on use this; connections that are up go on. */
  use(material: TlsMaterial): void
  /** Stops listening and destroys every connection. */
  close(): Promise<void>
}

const contextOf = ({ key, cert, ca }: TlsMaterial): tls.SecureContextOptions => ({
  key,
  cert,
  ca: [...ca],
  minVersion: 'TLSv1.2',
})

/** A TCP connection and TLS socket share these four; they are unique while the connection is open. */
function connectionKey(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}

/**
 * Opens the listener. Rejects with Node's error (`EADDRINUSE`, `EACCES`) where the address cannot be had.
 * @example const listener = await openListener({ port: 8883 }, options)
 */
export async function openListener(
  at: { readonly port: number; readonly host?: string | undefined },
  options: ListenerOptions,
): Promise<Listener> {
  const { limits, trace } = options
  const open = new Set<Socket>()
  const handshaking = new Map<string, { readonly deadline: NodeJS.Timeout; readonly leave: () => void }>()
  const waiting = new WaitingConnections(limits.unauthenticatedPerAddress)
  const secure = tls.createServer({ ...contextOf(options), requestCert: true, rejectUnauthorized: false })

  const server = createServer({ noDelay: true }, socket => {
    const address = plainAddress(socket.remoteAddress)
    const refuse = (code: 'accept/too-many-waiting' | 'accept/handshake-timeout', sentence: string): void => {
      trace({ event: 'handshake-refused', peer: { address }, problem: problem(code, sentence) })
      socket.destroy()
    }
    const leave = waiting.enter(address)
    if (leave === undefined) {
      refuse(
        'accept/too-many-waiting',
        `${limits.unauthenticatedPerAddress} connections from this address have not logged in yet`,
      )
      return
    }
    // node's own handshakeTimeout only emits an event and leaves the socket open
    const deadline = setTimeout(() => {
      refuse('accept/handshake-timeout', `no TLS handshake within ${limits.handshakeSeconds} s`)
    }, limits.handshakeSeconds * 1000)
    const key = connectionKey(socket)
    open.add(socket)
    handshaking.set(key, { deadline, leave })
    socket.once('close', () => {
      clearTimeout(deadline)
      open.delete(socket)
      handshaking.delete(key)
      leave()
    })
    secure.emit('connection', socket)
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
    const entry = handshaking.get(connectionKey(socket))
    if (entry === undefined) {
      socket.destroy()
      return
    }
    clearTimeout(entry.deadline)
    socket.disableRenegotiation()
    options.onSecure(socket, entry.leave)
  })
  secure.on('tlsClientError', (error: Error & { code?: string }, socket: tls.TLSSocket) => {
    trace({
      event: 'handshake-refused',
      peer: { address: plainAddress(socket.remoteAddress) },
      problem: handshakeProblem(error),
    })
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
    use: material => secure.setSecureContext(contextOf(material)),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}
