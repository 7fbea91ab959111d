/**
 * Puts a framer in front of a stream that a broker will read: bytes are caught where the socket hands them over
 * (`push` of this one instance), so that the broker's own reading stays as it is and nothing is copied. The broker may
 * come late: until `attach`, nobody reads the stream.
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Limits } from '../limits.ts'
import type { ConnectPacket } from './connect-packet.ts'
import { Framer, type FramerEvents } from './framer.ts'
import type { AskedSubscription } from './packet-rules.ts'
import type { Violation } from './violation.ts'

export interface FrameEvents {
  connect(packet: ConnectPacket): void
  subscribe(asked: readonly AskedSubscription[]): void
  violation(problem: Violation, connectVersion?: number): void
}

/** Takes the runs of whole packets of an open session instead of the stream's own buffer. */
export interface Inbound {
  take(run: Buffer): void
  /** Whether it holds packets that nobody has handled: nothing more is read then, until it calls the stream's `_read`. */
  readonly isFull: boolean
  /** The peer has ended; `pass` tells the stream, when everything before it has been handled. */
  end(pass: () => void): void
}

/** How long a refused connection may take to fetch its answer. */
const lingerMs = 1000

const ignore = (): void => undefined

export interface FramedStream {
  /** Lets the broker take the stream, then passes it the CONNECT. `keepAliveSeconds` is written into it. */
  attach(broker: (stream: Duplex) => void, keepAliveSeconds: number): void
  /** Passes everything that came behind the CONNECT, and all that comes. Call when the broker has sent CONNACK 0. */
  open(inbound?: Inbound): void
  /** Sends a last answer and closes; nothing that the client sends is looked at any more. */
  refuse(answer: Uint8Array): void
  /** Drops what comes, and destroys the stream. */
  destroy(): void
}

/**
 * Frames a stream; call before anything has read from it.
 * @example const framed = frameStream(tlsSocket, limits, { connect, subscribe, violation })
 */
export function frameStream(stream: Duplex, limits: Limits, events: FrameEvents): FramedStream {
  return new Framing(stream, limits, events)
}

/** By name and not by a symbol: V8 makes a dictionary of a large object that gets more by computed names. */
type Framed = Duplex & { portcullisFraming: Framing }

/** What is put on a stream is the same function for all. */
function push(this: Framed, chunk: unknown): boolean {
  return this.portcullisFraming.take(chunk as Buffer | null)
}

/** One object for each connection, and nothing else: a fleet holds many that say little. */
class Framing implements FramedStream, FramerEvents {
  readonly #stream: Duplex
  readonly #events: FrameEvents
  readonly #framer: Framer
  /** The stream's own `push`. */
  readonly #push: Duplex['push']
  #connectBytes: Buffer | undefined
  #keepAliveAt = 0
  #isAttached = false
  #hasEnded = false
  #inbound: Inbound | undefined

  constructor(stream: Duplex, limits: Limits, events: FrameEvents) {
    this.#stream = stream
    this.#events = events
    this.#push = stream.push
    this.#framer = new Framer(limits, this)
    // before the broker reads, nobody listens; a reset is an ordinary end
    stream.on('error', ignore)
    const early: unknown = stream.read()
    ;(stream as Framed).portcullisFraming = this
    stream.push = push as Duplex['push']
    if (Buffer.isBuffer(early)) this.#takeSoon(early)
  }

  attach(broker: (stream: Duplex) => void, keepAliveSeconds: number): void {
    const bytes = this.#connectBytes
    if (bytes === undefined || this.#framer.phase !== 'binding' || this.#stream.destroyed) return
    bytes.writeUInt16BE(keepAliveSeconds, this.#keepAliveAt)
    this.#isAttached = true
    broker(this.#stream)
    this.#push.call(this.#stream, bytes)
    this.#connectBytes = undefined
  }

  open(inbound?: Inbound): void {
    this.#inbound = inbound
    this.#framer.open()
    if (this.#hasEnded) this.#passEnd()
    // reading was stopped by the `false` that push gave while the session was bound
    else if (!this.#stream.destroyed && inbound?.isFull !== true) this.#stream._read(0)
  }

  refuse(answer: Uint8Array): void {
    const stream = this.#stream
    this.#framer.end()
    if (stream.destroyed) return
    // closing with unread bytes would reset the connection and take the answer along: read on for a moment, and drop
    stream._read(0)
    stream.end(answer)
    const linger = setTimeout(() => stream.destroy(), lingerMs)
    stream.once('close', () => clearTimeout(linger))
  }

  destroy(): void {
    this.#framer.end()
    this.#stream.destroy()
  }

  /** What the framer says of what it was given. */
  connect(packet: ConnectPacket, bytes: Buffer): void {
    this.#connectBytes = bytes
    this.#keepAliveAt = packet.keepAliveAt
    this.#events.connect(packet)
  }

  packets(bytes: Buffer): void {
    if (this.#inbound === undefined) this.#push.call(this.#stream, bytes)
    else this.#inbound.take(bytes)
  }

  subscribe(asked: readonly AskedSubscription[]): void {
    this.#events.subscribe(asked)
  }

  violation(problem: Violation, connectVersion?: number): void {
    this.#events.violation(problem, connectVersion)
  }

  /** What the socket hands over; null is its end. False where no more need be read. */
  take(chunk: Buffer | null): boolean {
    if (chunk === null || this.#stream.destroyed) return this.#end()
    const isWanted = this.#framer.push(chunk) || (this.#canBeHalfOpen && this.#framer.hasRoom)
    return isWanted && this.#inbound?.isFull !== true
  }

  /** Not now: the caller has no FramedStream yet. */
  #takeSoon(early: Buffer): void {
    queueMicrotask(() => this.#framer.push(early))
  }

  /** It can be answered after its end has come; a WebSocket cannot, so that its end is not read before the session is bound. */
  get #canBeHalfOpen(): boolean {
    return this.#stream instanceof Socket
  }

  #end(): false {
    this.#hasEnded = true
    if (this.#isAttached && this.#framer.phase !== 'binding') this.#passEnd()
    // who says everything at once and goes is heard when the session is bound; else there is nobody left to answer
    else if (this.#framer.phase !== 'binding' || !this.#framer.isHolding) this.#stream.destroy()
    return false
  }

  #passEnd(): void {
    if (this.#inbound === undefined) this.#push.call(this.#stream, null)
    else this.#inbound.end(() => this.#push.call(this.#stream, null))
  }
}
