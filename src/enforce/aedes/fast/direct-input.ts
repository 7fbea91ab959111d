/**
 * Direct input: hands packets to aedes' client without its parser and without the stream's buffer between. It keeps aedes' own
 * flow: packets wait while the client is paused or busy with a batch, and come when it asks `conn.read` for the next one.
 */
import type { Duplex } from 'node:stream'
import type { Inbound } from '../../../accept/framer/frame-stream.ts'
import type { AedesClient } from '../shape.ts'
import { type PacketSink, type ReadPacket, readPackets } from './packet-reader.ts'

/** What of aedes 1.2.0's client is not public. */
export interface ClientInternals {
  readonly _parser: { emit(event: 'packet', packet: object): boolean; parse(bytes: Buffer): void }
  readonly _nextBatch: () => void
}

/** Whether this client is built as that of the aedes that the fast path was made for. */
export function hasInternals(client: AedesClient & Partial<ClientInternals>): client is AedesClient & ClientInternals {
  const { _parser, _nextBatch } = client
  return typeof _nextBatch === 'function' && typeof _parser?.parse === 'function' && typeof _parser.emit === 'function'
}

type Read = (this: unknown, size?: number | null) => unknown

/** By name and not by a symbol: V8 makes a dictionary of a large object that gets more by computed names. */
type Direct = Duplex & { portcullisInput: DirectInput }

/** What is put on a stream is the same function for all: a fleet has many streams. */
function read(this: Direct, size?: number | null): unknown {
  return this.portcullisInput.read(size)
}

export class DirectInput implements Inbound, PacketSink {
  readonly #stream: Duplex
  readonly #client: AedesClient & ClientInternals
  readonly #read: Read
  /** Undefined while nothing waits. */
  #waiting: Buffer[] | undefined
  #isFeeding = false
  #atEnd: (() => void) | undefined

  /** Takes over `read` of this one stream. Make it when aedes has read the CONNECT. */
  constructor(stream: Duplex, client: AedesClient & ClientInternals) {
    this.#stream = stream
    this.#client = client
    this.#read = stream.read as Read
    ;(stream as Direct).portcullisInput = this
    stream.read = read as Duplex['read']
  }

  /** As the stream's own; aedes asks it with null for the next packets. */
  read(size?: number | null): unknown {
    if (size === null) this.#feed()
    return this.#hasEnded ? this.#read.call(this.#stream, size) : null
  }

  packet(packet: ReadPacket): void {
    this.#client._parser.emit('packet', packet)
  }

  other(bytes: Buffer): void {
    this.#client._parser.parse(bytes)
  }

  get isFull(): boolean {
    return this.#waiting !== undefined
  }

  take(run: Buffer): void {
    if (this.#waiting === undefined) this.#waiting = [run]
    else this.#waiting.push(run)
    // aedes does so whenever its stream becomes readable; it reads unless it is paused or busy
    if (!this.#isFeeding) this.#client._nextBatch()
  }

  end(pass: () => void): void {
    this.#atEnd = pass
    if (this.#hasEnded) pass()
  }

  get #hasEnded(): boolean {
    return this.#atEnd !== undefined && this.#waiting === undefined
  }

  #feed(): void {
    if (this.#isFeeding || this.#waiting === undefined) return
    this.#isFeeding = true
    try {
      while (this.#waiting !== undefined) {
        const runs: readonly Buffer[] = this.#waiting
        this.#waiting = undefined
        for (const run of runs) {
          if (this.#stream.destroyed) return
          readPackets(run, this)
        }
      }
    } finally {
      this.#isFeeding = false
    }
    if (this.#atEnd !== undefined) this.#atEnd()
    // a chunk before this one may have found it full, and stopped the socket
    else this.#stream._read(0)
  }
}
