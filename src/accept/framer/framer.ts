/**
 * Framer: bytes in, whole and strictly valid packets within limits out (docs/semantics.md 5.1). It knows no socket:
 * `frame-stream.ts` puts it in front of one. Nothing is buffered before its header is known to be legal, a split packet
 * grows with the bytes received and never with the length that it claims, and whole packets are not copied.
 */
import type { Limits } from '../limits.ts'
import { type ConnectPacket, readConnect } from './connect-packet.ts'
import { type AskedSubscription, packetRules, packetType, readSubscribe } from './packet-rules.ts'
import { malformed, overLimit, type Violation, violation } from './violation.ts'

export interface FramerEvents {
  /** A valid CONNECT and its bytes. What comes behind it is held until `open`. */
  connect(packet: ConnectPacket, bytes: Buffer): void
  /** Valid packets of an open session, as one run. */
  packets(bytes: Buffer): void
  /** The filters of a SUBSCRIBE before it is passed; each `qos` may be lowered. */
  subscribe(asked: readonly AskedSubscription[]): void
  /** The connection must end; `connectVersion` is that of a CONNECT in a version that is not spoken. */
  violation(problem: Violation, connectVersion?: number): void
}

/**
 * `connect`: waits for a CONNECT · `binding`: has one and holds everything behind it · `open`: passes · `ended`: drops everything.
 */
type Phase = 'connect' | 'binding' | 'open' | 'ended'

/** Behind a CONNECT no more is read than this, and what one read brings. */
const mostHeldBytes = 16_384

const none = Buffer.alloc(0)
const incomplete = 0
const illegal = -1

export class Framer {
  readonly #limits: Limits
  readonly #events: FramerEvents
  #phase: Phase = 'connect'
  /** A packet that has not come wholly yet, and how many bytes of it have. */
  #partial: Buffer = none
  #filled = 0
  /** What came behind a CONNECT; undefined while there is nothing. */
  #held: Buffer[] | undefined
  #heldBytes = 0
  // what `#header` found last
  #bodyAt = 0
  #wrong: Violation | undefined

  constructor(limits: Limits, events: FramerEvents) {
    this.#limits = limits
    this.#events = events
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Whether something has come behind the CONNECT. */
  get isHolding(): boolean {
    return this.#held !== undefined
  }

  /** While it holds what is behind a CONNECT: whether a little more may be read, to see whether the client goes. */
  get hasRoom(): boolean {
    return this.#phase === 'binding' && this.#heldBytes < mostHeldBytes
  }

  /** Takes bytes in; false where no more need be read until `open`. */
  push(chunk: Buffer): boolean {
    let rest = chunk
    while (rest.length > 0 && (this.#phase === 'connect' || this.#phase === 'open')) {
      rest = this.#filled > 0 ? this.#fill(rest) : this.#walk(rest)
    }
    if (this.phase !== 'binding') return true
    if (rest.length > 0) this.#hold(rest)
    return false
  }

  #hold(chunk: Buffer): void {
    this.#held ??= []
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
  }

  /** The broker has said yes (CONNACK 0): what was held goes through, then everything that comes. */
  open(): void {
    if (this.#phase !== 'binding') return
    this.#phase = 'open'
    this.#heldBytes = 0
    const held = this.#held ?? []
    this.#held = undefined
    for (const chunk of held) this.push(chunk)
  }

  /** Drops everything from here on. */
  end(): void {
    this.#phase = 'ended'
    this.#partial = none
    this.#filled = 0
    this.#held = undefined
  }

  #stop(problem: Violation, connectVersion?: number): void {
    this.end()
    this.#events.violation(problem, connectVersion)
  }

  /** Completes the packet that was begun; returns the bytes behind it. */
  #fill(chunk: Buffer): Buffer {
    let at = 0
    let end = this.#header(this.#partial, 0, this.#filled)
    // the header byte by byte: it has five at most, and the bytes behind it belong to another packet
    while (end === incomplete && at < chunk.length) {
      this.#append(chunk, at, ++at)
      end = this.#header(this.#partial, 0, this.#filled)
    }
    if (end === illegal) this.#stop(this.#wrong as Violation)
    if (end <= 0) return none
    const taken = Math.min(end - this.#filled, chunk.length - at)
    this.#append(chunk, at, at + taken)
    if (this.#filled < end) return none
    const packet = this.#partial.subarray(0, this.#filled)
    this.#partial = none
    this.#filled = 0
    this.#walk(packet)
    return chunk.subarray(at + taken)
  }

  /** At most twice what has come is held. */
  #append(chunk: Buffer, start: number, end: number): void {
    const needed = this.#filled + end - start
    if (this.#partial.length < needed) {
      const grown = Buffer.allocUnsafe(Math.max(64, needed, this.#partial.length * 2))
      this.#partial.copy(grown, 0, 0, this.#filled)
      this.#partial = grown
    }
    chunk.copy(this.#partial, this.#filled, start, end)
    this.#filled = needed
  }

  /** Passes the whole packets of a chunk as one run and keeps the begun one; returns the bytes behind a CONNECT. */
  #walk(chunk: Buffer): Buffer {
    let at = 0
    let wrong: Violation | undefined
    while (at < chunk.length) {
      const end = this.#header(chunk, at, chunk.length)
      if (end === illegal) {
        wrong = this.#wrong
        break
      }
      if (end === incomplete || end > chunk.length) {
        this.#append(chunk, at, chunk.length)
        break
      }
      if (this.#phase === 'connect') {
        this.#takeConnect(chunk.subarray(at, end), this.#bodyAt - at)
        return chunk.subarray(end)
      }
      wrong = this.#judge(chunk, at, end)
      if (wrong !== undefined) break
      const isLast = (chunk[at] as number) >> 4 === packetType.disconnect
      at = end
      if (isLast) {
        // [MQTT-3.14.4-2]: nothing may follow a DISCONNECT, so nothing is looked at
        this.end()
        break
      }
    }
    // what was legal goes through, also right before something that is not
    if (at > 0) this.#events.packets(at === chunk.length ? chunk : chunk.subarray(0, at))
    if (wrong !== undefined) this.#stop(wrong)
    return none
  }

  #takeConnect(bytes: Buffer, bodyAt: number): void {
    const read = readConnect(bytes, bodyAt, bytes.length)
    if (read.outcome === 'connect') {
      this.#phase = 'binding'
      this.#events.connect(read.packet, bytes)
    } else {
      this.#stop(read.violation, read.outcome === 'version' ? read.version : undefined)
    }
  }

  /** What is wrong with the packet from `at` to `end`; lowers the QoS of a SUBSCRIBE as its event says. */
  #judge(chunk: Buffer, at: number, end: number): Violation | undefined {
    const bodyAt = this.#bodyAt
    const first = chunk[at] as number
    const wrong = packetRules[first >> 4]?.check?.(chunk, bodyAt, end, first & 15, this.#limits)
    if (wrong !== undefined || first >> 4 !== packetType.subscribe) return wrong
    const asked = readSubscribe(chunk, bodyAt, end)
    this.#events.subscribe(asked)
    for (const one of asked) chunk[one.qosAt] = Math.min(one.qos, one.asked)
    return undefined
  }

  /** End of the packet that starts at `at`; `incomplete` where its header has not come, `illegal` where it must not go on. */
  #header(bytes: Buffer, at: number, available: number): number {
    const first = bytes[at] as number
    this.#wrong = this.#phase === 'connect' ? beforeConnect(first) : inSession(first)
    if (this.#wrong !== undefined) return illegal
    let length = 0
    for (let index = 1; index <= 4; index++) {
      if (at + index >= available) return incomplete
      const byte = bytes[at + index] as number
      length += (byte & 0x7f) * 2 ** (7 * (index - 1))
      if (byte > 0x7f) continue
      this.#bodyAt = at + index + 1
      if (byte === 0 && index > 1) this.#wrong = malformed('a length that is longer than it must be', 'MQTT-2.2.3')
      else this.#wrong = this.#judgeLength(first >> 4, length, index + 1 + length)
      return this.#wrong === undefined ? this.#bodyAt + length : illegal
    }
    this.#wrong = malformed('a length of more than four bytes', 'MQTT-2.2.3')
    return illegal
  }

  #judgeLength(type: number, length: number, total: number): Violation | undefined {
    if (this.#phase === 'connect') {
      const over = total > this.#limits.connectBytes
      return over ? overLimit('connectBytes', this.#limits, 'the client sent a larger CONNECT') : undefined
    }
    if (total > this.#limits.packetBytes) {
      return overLimit('packetBytes', this.#limits, 'the client sent a larger packet')
    }
    const rule = packetRules[type]
    if (rule !== undefined && length >= rule.minimumLength && length <= rule.maximumLength) return undefined
    return malformed(`a ${rule?.name} of ${length} bytes`, 'MQTT-2.2.3')
  }
}

function beforeConnect(first: number): Violation | undefined {
  if (first >> 4 !== packetType.connect) {
    return violation(
      'accept/not-connect',
      'the client sent something else before CONNECT [MQTT-3.1.0-1]',
      'connect an MQTT 3.1.1 client to this port, not a browser or a probe',
    )
  }
  return (first & 15) === 0 ? undefined : malformed('a CONNECT with reserved flags', 'MQTT-2.2.2-2')
}

function inSession(first: number): Violation | undefined {
  const type = first >> 4
  if (type === packetType.connect) return malformed('a second CONNECT', 'MQTT-3.1.0-2')
  const rule = packetRules[type]
  if (rule === undefined) return malformed(`a packet of type ${type}, which no client sends`, 'MQTT-2.2.1')
  const isLegal = rule.flags === undefined || rule.flags === (first & 15)
  return isLegal ? undefined : malformed(`a ${rule.name} with reserved flags`, 'MQTT-2.2.2-2')
}
