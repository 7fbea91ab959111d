/**
 * The operate listener: health, readiness and metrics over plain HTTP, for a prober and a scraper on the same machine. It has
 * three answers and takes nothing: whoever can reach it can ask, and can do nothing else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics.ts'
import { type Readiness, unreadyLine } from './readiness.ts'

export interface OperateOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly readiness: Readiness
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>
}

export interface OperateListener {
  readonly address: AddressInfo
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly contentType?: string
}

/** Probers and scrapers are few, and each has one connection. */
const mostConnections = 32
const headerBytes = 8 * 1024
const requestMs = 5_000
const idleMs = 10_000
const checkingMs = 1_000

/**
 * Opens it. Rejects with Node's error (`EADDRINUSE`, `EACCES`) where the address cannot be had.
 * @example const operate = await openOperate({ host: '127.0.0.1', port: 9464, readiness, metrics })
 */
export async function openOperate(options: OperateOptions): Promise<OperateListener> {
  const limits = { maxHeaderSize: headerBytes, requestTimeout: requestMs, headersTimeout: requestMs }
  const idle = { keepAliveTimeout: idleMs, connectionsCheckingInterval: checkingMs }
  const server = createServer({ ...limits, ...idle }, (request, response) => {
    void answerTo(request, options).then(answer => send(request, response, answer))
  })
  server.maxConnections = mostConnections
  // a client that asks and then reads nothing
  server.setTimeout(idleMs, socket => socket.destroy())
  // what `Expect` asks for would have us answer twice
  for (const event of ['checkContinue', 'checkExpectation'] as const) {
    server.on(event, (request, response) =>
      send(request, response, { status: 417, text: 'nothing is expected here\n' }),
    )
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  // running out of descriptors must not end a broker
  server.on('error', () => undefined)
  return {
    address: server.address() as AddressInfo,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * A name that somebody else's DNS points to this machine would let a web page that is open here read along as if it were of
 * this origin: what is served to this machine only is asked for by its own names.
 */
function isMisdirected(host: string, asked: string | undefined): boolean {
  const name = asked?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return loopback.has(host) && !(name !== undefined && loopback.has(name))
}

async function answerTo(request: IncomingMessage, { host, readiness, metrics }: OperateOptions): Promise<Answer> {
  const { method, url, headers } = request
  if (isMisdirected(host, headers.host)) return { status: 421, text: 'ask for 127.0.0.1 or localhost\n' }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'only GET and HEAD\n' }
  if ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined)
    return { status: 413, text: 'no body is taken\n' }
  switch (url) {
    case '/healthz':
      return { status: 200, text: 'ok\n' }
    case '/readyz':
      return readyz(readiness)
    case '/metrics':
      return metrics.text().then(
        text => ({ status: 200, text, contentType: metrics.contentType }),
        () => ({ status: 500, text: 'the metrics could not be collected\n' }),
      )
    default:
      return { status: 404, text: 'only /healthz, /readyz and /metrics\n' }
  }
}

function readyz(readiness: Readiness): Answer {
  const reasons = readiness.reasons()
  if (reasons.length === 0) return { status: 200, text: 'ready\n' }
  return { status: 503, text: reasons.map(reason => `${unreadyLine(reason)}\n`).join('') }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { status, text, contentType = 'text/plain; charset=utf-8' } = answer
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    // what a refused request brings with it is not waited for
    ...(status >= 400 && status !== 503 ? { connection: 'close' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}
