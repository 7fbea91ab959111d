/**
 * Write watch: destroys a connection that takes nothing of what is written to it for too long (docs/semantics.md 5.1). It
 * looks only while there is something to take, and once per `stallSeconds`.
 */
import type { Duplex } from 'node:stream'

export class WriteWatch {
  readonly #stream: Duplex
  readonly #stallMs: number
  readonly #onStall: () => void
  #timer: NodeJS.Timeout | undefined
  #written = 0
  #takenAtLook = 0

  constructor(stream: Duplex, stallSeconds: number, onStall: () => void) {
    this.#stream = stream
    this.#stallMs = stallSeconds * 1000
    this.#onStall = onStall
    const write = stream.write as (chunk: unknown, encoding?: unknown, done?: unknown) => boolean
    // a broker writes one packet in several pieces, so this is run often
    const watched = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
      this.#written +=
        typeof chunk === 'string' ? Buffer.byteLength(chunk) : ((chunk as Uint8Array | null)?.length ?? 0)
      const result = write.call(stream, chunk, encoding, done)
      if (this.#timer === undefined && stream.writableLength > 0) this.#look()
      return result
    }
    stream.write = watched as typeof stream.write
    stream.once('close', () => clearTimeout(this.#timer))
  }

  #look(): void {
    this.#takenAtLook = this.#written - this.#stream.writableLength
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#stream.writableLength === 0 || this.#stream.destroyed) return
      if (this.#written - this.#stream.writableLength === this.#takenAtLook) this.#onStall()
      else this.#look()
    }, this.#stallMs)
  }
}
