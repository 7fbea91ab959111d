/**
 * Write watch: destroys a connection that takes nothing of what is written to it for too long (docs/semantics.md 5.1). It
 * looks only while there is something to take, and once per `stallSeconds`.
 */
import type { Duplex } from 'node:stream'
import { Agenda } from '../bind/agenda.ts'

/** Is told that nothing was taken for that long. */
export interface Stalling {
  stalled(seconds: number): void
}

type Write = (this: unknown, chunk: unknown, encoding?: unknown, done?: unknown) => boolean

/** By name and not by a symbol: V8 makes a dictionary of a large object that gets more by computed names. */
type Watched = Duplex & { portcullisWatch: WriteWatch }

/** What is put on a stream is the same function for all: a fleet has many streams, and few of them are written to. */
function write(this: Watched, chunk: unknown, encoding?: unknown, done?: unknown): boolean {
  return this.portcullisWatch.write(chunk, encoding, done)
}

/** When to look at which connection: one timer for all of a broker. */
export type Looks = Agenda<WriteWatch>

export const newLooks = (): Looks =>
  new Agenda(
    () => performance.now(),
    watch => watch.look(),
  )

export class WriteWatch {
  readonly #looks: Looks
  readonly #stream: Duplex
  readonly #write: Write
  readonly #stallSeconds: number
  readonly #told: Stalling
  #isDue = false
  #written = 0
  #takenAtLook = 0

  /** Takes over `write` of this one stream; `stop` it when the stream has closed. */
  constructor(stream: Duplex, stallSeconds: number, told: Stalling, looks: Looks) {
    this.#looks = looks
    this.#stream = stream
    this.#write = stream.write as Write
    this.#stallSeconds = stallSeconds
    this.#told = told
    ;(stream as Watched).portcullisWatch = this
    stream.write = write as Duplex['write']
  }

  /** As the stream's own. A broker writes one packet in several pieces, so this is run often. */
  write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
    const stream = this.#stream
    this.#written += typeof chunk === 'string' ? Buffer.byteLength(chunk) : ((chunk as Uint8Array | null)?.length ?? 0)
    const result = this.#write.call(stream, chunk, encoding, done)
    if (!this.#isDue && stream.writableLength > 0) this.#wait()
    return result
  }

  stop(): void {
    this.#isDue = false
    this.#looks.delete(this)
  }

  /** The time is over in which something should have been taken. */
  look(): void {
    this.#isDue = false
    if (this.#stream.writableLength === 0 || this.#stream.destroyed) return
    if (this.#written - this.#stream.writableLength === this.#takenAtLook) this.#told.stalled(this.#stallSeconds)
    else this.#wait()
  }

  #wait(): void {
    this.#isDue = true
    this.#takenAtLook = this.#written - this.#stream.writableLength
    this.#looks.add(this, performance.now() + this.#stallSeconds * 1000)
  }
}
