/**
 * Enrolment over Secure Transport (RFC 7030, RFC 8951): four routes behind the same TLS listener as the broker. One request a
 * connection, so that every request is judged by the handshake that it came by.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { addressKey, resolveLimits } from '../../accept/limits.ts'
import { type Listener, openListener, type TlsMaterial } from '../../accept/listener.ts'
import { type Peer, readPeer } from '../../accept/peer.ts'
import type { Trace } from '../../trace.ts'
import { badRequest, type EstAnswer, type EstRefusal, refusalAnswer, tooMany } from './est-answer.ts'
import type { EstLimits } from './est-limits.ts'
import { RateLimit } from './rate-limit.ts'

/** What a request came by. */
export interface EstExchange {
  readonly request: IncomingMessage
  readonly peer: Peer
  readonly route: EstRoute
  /** Whether nobody waits for the answer any more: the client went away, or its time is up. */
  readonly isOver: () => boolean
}

export const estRoutes = {
  cacerts: 'GET',
  csrattrs: 'GET',
  simpleenroll: 'POST',
  simplereenroll: 'POST',
} as const

export type EstRoute = keyof typeof estRoutes

export interface EstServerOptions {
  readonly tls: TlsMaterial
  readonly limits: EstLimits
  readonly trace: Trace
  /** Milliseconds. */
  readonly now: () => number
  /** Answers a request of the right route and method. */
  readonly handle: (exchange: EstExchange) => Promise<EstAnswer | EstRefusal>
  /** Is told of everything that is refused. */
  readonly refused: (refusal: EstRefusal, peer: Peer, route: EstRoute | undefined) => void
}

const prefix = '/.well-known/est/'

/** Opens the service. Rejects as `openListener` does. @example const listener = await openEstServer({ port: 8443 }, options) */
export function openEstServer(
  at: { readonly port: number; readonly host?: string | undefined },
  options: EstServerOptions,
): Promise<Listener> {
  const { limits, tls, trace, now } = options
  const perAddress = new RateLimit({ perMinute: limits.perAddressPerMinute, tracked: limits.tracked, now })
  const connections = new WeakMap<Duplex, Connection>()
  const http = createServer({
    maxHeaderSize: limits.headerBytes,
    requestTimeout: 0,
    headersTimeout: 0,
    keepAlive: false,
  })
  http.maxRequestsPerSocket = 1
  http.on('request', (request, response) => {
    const connection = connections.get(request.socket)
    if (connection === undefined) request.destroy()
    else void serveOne(request, response, connection, options, perAddress).catch(() => request.destroy())
  })
  http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const isTooLong = error.code === 'HPE_HEADER_OVERFLOW'
    const refusal = isTooLong
      ? badRequest(431, `the headers are larger than ${limits.headerBytes} bytes`)
      : badRequest(400, 'what came is no HTTP request')
    const connection = connections.get(socket)
    if (connection?.told === false && error.code !== 'ECONNRESET') {
      connection.told = true
      options.refused(refusal, connection.peer, undefined)
      if (socket.writable) socket.write(rawAnswer(refusal))
    }
    socket.destroy()
  })
  const onSecure = (socket: TLSSocket): void => {
    socket.on('error', () => undefined) // a client that goes away is told by `close`
    const connection = new Connection(socket, limits, options)
    connections.set(socket, connection)
    http.emit('connection', socket)
  }
  const accepted = resolveLimits({
    handshakeSeconds: limits.handshakeSeconds,
    connections: limits.connections,
    unauthenticatedPerAddress: limits.connectionsPerAddress,
  })
  return openListener(at, { ...tls, limits: accepted, trace, onSecure })
}

/** One connection: its peer, read once, and its deadline. */
class Connection {
  readonly peer: Peer
  /** Of one connection one thing is told. */
  told = false
  #deadline: NodeJS.Timeout | undefined
  #endsAtMs = 0
  readonly #socket: TLSSocket
  readonly #seconds: number
  readonly #options: Pick<EstServerOptions, 'refused'>

  constructor(socket: TLSSocket, limits: EstLimits, options: Pick<EstServerOptions, 'refused'>) {
    this.peer = readPeer(socket)
    this.#socket = socket
    this.#seconds = limits.requestSeconds
    this.#options = options
    this.restart('the request')
    socket.once('close', () => clearTimeout(this.#deadline))
  }

  /** Also where the event loop was held up, and could not say so yet. */
  get isOver(): boolean {
    return this.#socket.destroyed || performance.now() >= this.#endsAtMs
  }

  /** From now on so many seconds for what comes next; then the connection is destroyed, whatever it is doing. */
  restart(what: string): void {
    clearTimeout(this.#deadline)
    this.#endsAtMs = performance.now() + this.#seconds * 1000
    this.#deadline = setTimeout(() => {
      if (!this.told)
        this.#options.refused(badRequest(408, `${what} took longer than ${this.#seconds} s`), this.peer, undefined)
      this.told = true
      this.#socket.destroy()
    }, this.#seconds * 1000)
  }
}

async function serveOne(
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
  { limits, handle, refused }: EstServerOptions,
  perAddress: RateLimit,
): Promise<void> {
  const { peer } = connection
  const route = routeOf(request.url)
  const wait = perAddress.take(addressKey(peer.address))
  const early = wait === undefined ? routeObjection(request, route) : tooMany(wait, 'address')
  const outcome =
    early ??
    (route === undefined
      ? badRequest(404, 'no such path')
      : await handle({ request, peer, route, isOver: () => connection.isOver }))
  if ('problem' in outcome && !connection.told) {
    connection.told = true
    refused(outcome, peer, route)
  }
  connection.restart('the answer')
  send(request, response, 'problem' in outcome ? refusalAnswer(outcome) : outcome, limits)
}

/** The path to the letter: no query, no label, nothing that is to be decoded or made shorter first. */
function routeOf(url: string | undefined): EstRoute | undefined {
  const name = url?.startsWith(prefix) ? url.slice(prefix.length) : ''
  return Object.hasOwn(estRoutes, name) ? (name as EstRoute) : undefined
}

function routeObjection({ method }: IncomingMessage, route: EstRoute | undefined): EstRefusal | undefined {
  if (route === undefined) return badRequest(404, 'the enrolment service has no such path')
  const allowed = estRoutes[route]
  return method === allowed ? undefined : badRequest(405, `${route} takes ${allowed} only`, { allow: allowed })
}

function send(request: IncomingMessage, response: ServerResponse, answer: EstAnswer, { drainBytes }: EstLimits): void {
  if (response.destroyed) return
  const { status, headers, body } = answer
  const length = status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  response.writeHead(status, { ...headers, ...length, 'cache-control': 'no-store', connection: 'close' })
  response.end(body)
  // a client that is still sending would not see the answer, were the connection reset at once
  let drained = 0
  request.on('data', (chunk: Buffer) => {
    drained += chunk.length
    if (drained > drainBytes) request.destroy()
  })
}

function rawAnswer(refusal: EstRefusal): string {
  const { status, body } = refusalAnswer(refusal)
  const reason = status === 431 ? 'Request Header Fields Too Large' : 'Bad Request'
  return `HTTP/1.1 ${status} ${reason}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`
}
