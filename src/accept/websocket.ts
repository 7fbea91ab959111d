/**
 * MQTT over WebSocket (MQTT 3.1.1 §6), behind the same mutual TLS: one path, the subprotocol `mqtt`, no compression, binary
 * frames only, and no `Origin` that is not listed, since a browser that has an operator's certificate would make any web page
 * an operator (docs/semantics.md 5.2).
 */
import { createServer, type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import { type Problem, problem } from '../problem.ts'
import type { Limits } from './limits.ts'

export interface WebSocketOptions {
  readonly limits: Limits
  /** Web origins that may connect, such as `https://panel.example`. Without one, nothing that names its origin may: no browser. */
  readonly origins: readonly string[]
}

/** What becomes of one connection. */
export interface WebSocketEvents {
  /** The stream of MQTT bytes; `bound` is to be called when a session is bound. */
  stream(stream: Duplex, bound: () => void): void
  refused(problem: Problem): void
}

/** The one path of the service. */
export const webSocketPath = '/mqtt'
const subprotocol = 'mqtt'
/** What an HTTP request may have before the MQTT bytes begin. */
const httpBytes = 16 * 1024

/** Why this request may not become a WebSocket, and the HTTP status that says so. */
function refusalOf(
  request: IncomingMessage,
  origins: readonly string[],
): { status: number; problem: Problem } | undefined {
  const { origin } = request.headers
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim())
  if (request.url !== webSocketPath) {
    return { status: 404, problem: refused('another path was asked for', `use wss://HOST:PORT${webSocketPath}`) }
  }
  if (origin !== undefined && !origins.includes(origin)) {
    return {
      status: 403,
      problem: refused(
        'a web page of an origin that is not listed tried to connect',
        'list it under `listen.wsOrigins`',
      ),
    }
  }
  if (!offered.includes(subprotocol)) {
    return { status: 400, problem: refused('the client did not offer the subprotocol `mqtt`', 'update the client') }
  }
  return undefined
}

const refused = (what: string, help: string): Problem => problem('accept/websocket-refused', what, { help })

interface Waiting extends WebSocketEvents {
  readonly upgraded: () => void
  readonly bound: () => void
}

/** Serves WebSocket on TLS sockets whose peer is trusted already. Nothing of it listens by itself. */
export function webSocketService({
  limits,
  origins,
}: WebSocketOptions): (socket: TLSSocket, events: WebSocketEvents) => void {
  const waiting = new WeakMap<Duplex, Waiting>()
  const upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // a message may hold several packets; each is held to its own limit by the framer
    maxPayload: 2 * limits.packetBytes,
    handleProtocols: () => subprotocol,
  })
  const http = createServer({ maxHeaderSize: httpBytes }, (request, response) => {
    const { problem } = refusalOf(request, origins) ?? {
      problem: refused('a request was no WebSocket', 'connect an MQTT client'),
    }
    waiting.get(request.socket)?.refused(problem)
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
  })
  http.on('clientError', (_error, socket) => {
    waiting
      .get(socket)
      ?.refused(refused('what came was no HTTP request', 'connect an MQTT client over WebSocket to this port'))
    socket.destroy()
  })
  http.on('upgrade', (request, socket, head) => {
    const events = waiting.get(socket)
    const refusal = refusalOf(request, origins)
    if (events === undefined || refusal !== undefined) {
      const status = refusal?.status ?? 500
      if (refusal !== undefined) events?.refused(refusal.problem)
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    upgrades.handleUpgrade(request, socket, head, client => {
      events.upgraded()
      events.stream(mqttStream(client), events.bound)
    })
  })
  return (socket, events) => {
    waiting.set(socket, { ...events, ...holdBack(socket, limits, events.refused) })
    http.emit('connection', socket)
  }
}

/** Until a session is bound, a connection has its deadline for the upgrade and a few kilobytes, whatever they are. */
function holdBack(
  socket: TLSSocket,
  limits: Limits,
  onRefused: (problem: Problem) => void,
): { readonly upgraded: () => void; readonly bound: () => void } {
  const allowance = httpBytes + 2 * limits.connectBytes
  let received = 0
  const end = (what: string): void => {
    onRefused(refused(what, 'connect an MQTT client over WebSocket to this port'))
    socket.destroy()
  }
  const count = (bytes: Buffer): void => {
    received += bytes.length
    if (received > allowance) end(`more than ${allowance} bytes came before a session was bound`)
  }
  const deadline = setTimeout(() => end(`no WebSocket within ${limits.connectSeconds} s`), limits.connectSeconds * 1000)
  socket.on('data', count)
  socket.once('close', () => clearTimeout(deadline))
  return {
    // from here on the deadline is that of the CONNECT
    upgraded: () => clearTimeout(deadline),
    bound: () => void socket.off('data', count),
  }
}

/** The bytes of binary frames; a text frame closes [MQTT-6.0.0-1]. */
function mqttStream(client: WebSocket): Duplex {
  const stream = createWebSocketStream(client)
  client.prependListener('message', (_data, isBinary) => {
    if (isBinary) return
    stream.destroy()
    client.terminate()
  })
  return stream
}
