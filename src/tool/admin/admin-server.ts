/** AdminServer: the broker's side of the admin socket. A bounded number of clients, one bounded request each. */
import { createServer, type Server, type Socket } from 'node:net'
import { type Problem, problem } from '../../problem.ts'
import { bindSocket } from './bind-socket.ts'
import { LineReader } from './line-reader.ts'
import { type AdminRequest, type Answer, answerLine, longestRequest, readRequest } from './protocol.ts'

/** The client as a command sees it. */
export interface AdminClient {
  /** Resolves once there is room for more; at once where the client has gone. */
  send(answer: Answer): Promise<void>
  fail(p: Problem): Promise<void>
  /** Sends, and waits for nobody. */
  post(answer: Answer): void
  /** Whether everything that was sent has been read. */
  readonly isDrained: () => boolean
  readonly hasGone: () => boolean
  /** Resolves when the client has gone. */
  readonly gone: Promise<void>
}

/** Answers a request; the connection ends when it resolves. */
export type AnswerAdmin = (request: AdminRequest, client: AdminClient) => Promise<void>

export interface AdminServerOptions {
  /** Absolute. */
  readonly path: string
  readonly answer: AnswerAdmin
  /** Clients at a time. */
  readonly clients?: number
  /** Milliseconds in which a request must be there whole. */
  readonly requestMs?: number
  /** Milliseconds in which a client must take something of an answer; not of a watch, which may be silent. */
  readonly stallMs?: number
}

const defaultClients = 16
const defaultRequestMs = 10_000
const defaultStallMs = 60_000
/** For one that is turned away, to read why. */
const busyMs = 1000

export class AdminServer {
  readonly #options: AdminServerOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #turnedAway = new Set<Socket>()
  #remove: () => Promise<void> = async () => undefined

  /** Use `AdminServer.open`. */
  private constructor(options: AdminServerOptions) {
    this.#options = options
    // half of it may be closed: `printf … | socat - UNIX-CONNECT:…`
    this.#server = createServer({ allowHalfOpen: true }, socket => this.#accept(socket))
    this.#server.maxConnections = 2 * (options.clients ?? defaultClients)
  }

  /** Rejects as `bindSocket` does. */
  static async open(options: AdminServerOptions): Promise<AdminServer> {
    const server = new AdminServer(options)
    server.#remove = await bindSocket(server.#server, options.path)
    return server
  }

  /** Ends every client and takes the socket away. */
  async close(): Promise<void> {
    await this.#remove()
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    for (const socket of this.#turnedAway) socket.destroy()
    await closed
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined)
    if (this.#sockets.size >= (this.#options.clients ?? defaultClients)) {
      // its request is read and thrown away: closed with that unread, it would not get the answer
      socket.resume().end(answerLine({ problem: busy(this.#sockets.size) }))
      this.#turnedAway.add(socket)
      socket.once('close', () => this.#turnedAway.delete(socket))
      socket.setTimeout(busyMs, () => socket.destroy())
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    void this.#serve(socket)
  }

  async #serve(socket: Socket): Promise<void> {
    const client = clientOf(socket)
    const line = await readOne(socket, this.#options.requestMs ?? defaultRequestMs)
    if (line === undefined) return void socket.destroy()
    const request = line === 'too-long' ? tooLong : readRequest(line)
    const isWatch = request.ok && request.value.command === 'watch'
    if (!isWatch) socket.setTimeout(this.#options.stallMs ?? defaultStallMs, () => socket.destroy())
    try {
      await (request.ok ? this.#options.answer(request.value, client) : client.fail(request.problem))
    } catch (error) {
      const sentence = `the command failed: ${error instanceof Error ? error.message : 'unknown error'}`
      await client.fail(problem('enforce/internal', sentence))
    }
    socket.end(() => socket.destroy())
  }
}

const busy = (clients: number): Problem =>
  problem('tool/admin-busy', `${clients} commands talk to this broker already`, {
    help: 'end one, such as a `portcullis watch` that was forgotten',
  })

const tooLong = {
  ok: false,
  problem: problem('tool/admin-request', `the request is longer than ${longestRequest} bytes`, {
    help: 'docs/admin.md lists the commands and their keys',
  }),
} as const

/** The one line of a client; undefined where none comes. What comes behind it ends the connection. */
function readOne(socket: Socket, withinMs: number): Promise<string | 'too-long' | undefined> {
  return new Promise(resolve => {
    const lines = new LineReader(longestRequest)
    const deadline = setTimeout(() => resolve(undefined), withinMs)
    let isRead = false
    const done = (line: string | undefined): void => {
      clearTimeout(deadline)
      isRead = true
      resolve(line)
    }
    socket.on('data', (chunk: Buffer) => {
      if (isRead) return void socket.destroy()
      const whole = lines.take(chunk)
      if (whole === 'too-long') return done('too-long')
      const [line, ...more] = whole
      if (line === undefined) return
      if (more.length > 0 || lines.isWithin) done(undefined)
      else done(line)
    })
    socket.once('end', () => isRead || done(undefined))
    socket.once('close', () => isRead || done(undefined))
  })
}

function clientOf(socket: Socket): AdminClient {
  const gone = new Promise<void>(resolve => socket.once('close', () => resolve()))
  const write = async (line: string): Promise<void> => {
    if (socket.destroyed || socket.write(line)) return
    const drained = new Promise<void>(resolve => socket.once('drain', () => resolve()))
    await Promise.race([drained, gone])
  }
  return {
    send: answer => write(answerLine(answer)),
    fail: p => write(answerLine({ problem: p })),
    post: answer => void (socket.destroyed || socket.write(answerLine(answer))),
    isDrained: () => socket.writableLength === 0,
    hasGone: () => socket.destroyed,
    gone,
  }
}
