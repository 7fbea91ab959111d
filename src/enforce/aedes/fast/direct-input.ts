/**
 * Direct input: hands packets to aedes' client without its parser and without the stream's buffer between. It keeps aedes' own
 * flow: packets wait while the client is paused or busy with a batch, and come when it asks `conn.read` for the next one.
 */
import type { Duplex } from 'node:stream'
import type { Inbound } from '../../../accept/framer/frame-stream.ts'
import type { AedesClient } from '../shape.ts'
import { type PacketSink, readPackets } from './packet-reader.ts'

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

export class DirectInput implements Inbound {
  readonly #stream: Duplex
  readonly #client: AedesClient & ClientInternals
  readonly #sink: PacketSink
  #waiting: Buffer[] = []
  #isFeeding = false
  #atEnd: (() => void) | undefined

  /** Takes over `read` of this one stream. Make it when aedes has read the CONNECT. */
  constructor(stream: Duplex, client: AedesClient & ClientInternals) {
    this.#stream = stream
    this.#client = client
    this.#sink = {
      packet: packet => void client._parser.emit('packet', packet),
      other: bytes => client._parser.parse(bytes),
    }
    const read = stream.read
    stream.read = (size?: number): unknown => {
      if (size === null) this.#feed()
      return this.#hasEnded ? read.call(stream, size) : null
    }
  }

  get isFull(): boolean {
    return this.#waiting.length > 0
  }

  take(run: Buffer): void {
    this.#waiting.push(run)
    // aedes does so whenever its stream becomes readable; it reads unless it is paused or busy
    if (!this.#isFeeding) this.#client._nextBatch()
  }

  end(pass: () => void): void {
    this.#atEnd = pass
    if (this.#hasEnded) pass()
  }

  get #hasEnded(): boolean {
    return this.#atEnd !== undefined && this.#waiting.length === 0
  }

  #feed(): void {
    if (this.#isFeeding || this.#waiting.length === 0) return
    this.#isFeeding = true
    try {
      while (this.#waiting.length > 0) {
        const runs = this.#waiting
        this.#waiting = []
        for (const run of runs) {
          if (this.#stream.destroyed) return
          readPackets(run, this.#sink)
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
