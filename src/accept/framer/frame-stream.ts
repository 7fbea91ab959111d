/**
 * Puts a framer in front of a stream that a broker will read: bytes are caught where the socket hands them over
 * (`push` of this one instance), so that the broker's own reading stays as it is and nothing is copied. The broker may
 * come late: until `attach`, nobody reads the stream.
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Limits } from '../limits.ts'
import type { ConnectPacket } from './connect-packet.ts'
import { Framer } from './framer.ts'
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
  const push = stream.push
  // it can be answered after its end has come; a WebSocket cannot, so that its end is not read before the session is bound
  const canBeHalfOpen = stream instanceof Socket
  let connectBytes: Buffer | undefined
  let keepAliveAt = 0
  let isAttached = false
  let hasEnded = false
  let inbound: Inbound | undefined
  const framer = new Framer(limits, {
    ...events,
    connect: (packet, bytes) => {
      connectBytes = bytes
      keepAliveAt = packet.keepAliveAt
      events.connect(packet)
    },
    packets: bytes => {
      if (inbound === undefined) push.call(stream, bytes)
      else inbound.take(bytes)
    },
  })

  const passEnd = (): void => {
    if (inbound === undefined) push.call(stream, null)
    else inbound.end(() => push.call(stream, null))
  }
  const endOfStream = (): boolean => {
    hasEnded = true
    if (isAttached && framer.phase !== 'binding') passEnd()
    // who says everything at once and goes is heard when the session is bound; else there is nobody left to answer
    else if (framer.phase !== 'binding' || !framer.isHolding) stream.destroy()
    return false
  }
  // before the broker reads, nobody listens; a reset is an ordinary end
  stream.on('error', () => undefined)
  const early: unknown = stream.read()
  stream.push = (chunk: unknown) => {
    if (chunk === null || stream.destroyed) return endOfStream()
    const isWanted = framer.push(chunk as Buffer) || (canBeHalfOpen && framer.hasRoom)
    return isWanted && inbound?.isFull !== true
  }
  // not now: the caller has no FramedStream yet
  if (Buffer.isBuffer(early)) queueMicrotask(() => framer.push(early))

  const destroy = (): void => {
    framer.end()
    stream.destroy()
  }
  return {
    attach: (broker, keepAliveSeconds) => {
      if (connectBytes === undefined || framer.phase !== 'binding' || stream.destroyed) return
      connectBytes.writeUInt16BE(keepAliveSeconds, keepAliveAt)
      isAttached = true
      broker(stream)
      push.call(stream, connectBytes)
      connectBytes = undefined
    },
    open: sink => {
      inbound = sink
      framer.open()
      if (hasEnded) return passEnd()
      if (stream.destroyed || inbound?.isFull === true) return
      // reading was stopped by the `false` that push gave while the session was bound
      stream._read(0)
    },
    refuse: answer => {
      framer.end()
      if (stream.destroyed) return
      // closing with unread bytes would reset the connection and take the answer along: read on for a moment, and drop
      stream._read(0)
      stream.end(answer)
      const linger = setTimeout(() => stream.destroy(), lingerMs)
      stream.once('close', () => clearTimeout(linger))
    },
    destroy,
  }
}
