/**
 * Write batch: what is written to a connection within one turn of the event loop leaves in one piece, and so in one TLS record.
 * A broker writes a packet in four or five pieces, and many packets in a turn; each record costs more than the bytes in it.
 */
import type { Duplex } from 'node:stream'

/** The plaintext of the largest TLS record (RFC 8446 §5.1); more is not held back. */
const largestBatch = 16_384
/** Pieces of this size are passed on as they are: copying them costs more than a record. */
const largePiece = 8_192

const smallestBatch = 256

const empty = Buffer.alloc(0)
const nothing = (): void => undefined

let waiting: WriteBatch[] = []

function flushAll(): void {
  const batches = waiting
  waiting = []
  for (const batch of batches) batch.flush()
}

type Write = (this: unknown, piece: unknown, encoding?: unknown, done?: unknown) => boolean

/** By name and not by a symbol: V8 makes a dictionary of a large object that gets more by computed names. */
type Batched = Duplex & { portcullisBatch: WriteBatch }

// what is put on a stream is the same for all: a fleet has many streams, and few of them are written to

function write(this: Batched, piece: unknown, encoding?: unknown, done?: unknown): boolean {
  return this.portcullisBatch.write(piece, encoding, done)
}

function end(this: Batched, ...rest: Parameters<Duplex['end']>): Duplex {
  return this.portcullisBatch.end(rest)
}

function destroy(this: Batched, error?: Error): Duplex {
  return this.portcullisBatch.destroy(error)
}

export class WriteBatch {
  readonly #stream: Duplex
  readonly #write: Write
  readonly #end: Duplex['end']
  readonly #destroy: Duplex['destroy']
  /** A lone piece is written as it is; from the second on, they are copied together. */
  #lone: Uint8Array | undefined
  #together: Buffer = empty
  #bytes = 0

  /** Takes over `write`, `end` and `destroy` of this one stream: everything that is written to it keeps its order. */
  constructor(stream: Duplex) {
    this.#stream = stream
    this.#write = stream.write as Write
    this.#end = stream.end
    this.#destroy = stream.destroy
    ;(stream as Batched).portcullisBatch = this
    stream.write = write as Duplex['write']
    stream.end = end as Duplex['end']
    stream.destroy = destroy as Duplex['destroy']
    // what these are for is done here
    stream.cork = nothing
    stream.uncork = nothing
  }

  /** Bytes that the peer has not taken. */
  get backlog(): number {
    return this.#bytes + this.#stream.writableLength
  }

  /** Adds bytes, which must not change afterwards; false where the stream wants its `drain` to be waited for. */
  add(piece: Uint8Array): boolean {
    const stream = this.#stream
    if (stream.destroyed || stream.writableEnded) return this.#write.call(stream, piece)
    if (piece.length === 0) return this.#added(0)
    if (piece.length >= largePiece) {
      this.flush()
      return this.#write.call(stream, piece)
    }
    if (this.#bytes === 0) {
      this.#lone = piece
      if (waiting.push(this) === 1) setImmediate(flushAll)
    } else {
      this.#makeRoom(piece.length)
      this.#together.set(piece, this.#bytes)
    }
    return this.#added(piece.length)
  }

  /**
   * As the stream's own, but for what no stream can write: there the connection ends.
   * @throws TypeError then
   */
  write(piece: unknown, encoding?: unknown, done?: unknown): boolean {
    if (typeof piece !== 'string' && !(piece instanceof Uint8Array)) return this.#spoil()
    const isPlain = typeof encoding !== 'function' && done === undefined
    if (isPlain && piece instanceof Uint8Array) return this.add(piece)
    if (isPlain && typeof piece === 'string') return this.#addText(piece, encoding as BufferEncoding)
    // whoever wants to be told when it is written is told by the stream
    this.flush()
    return this.#write.call(this.#stream, piece, encoding, done)
  }

  /** As the stream's own, behind what has been added. */
  end(rest: Parameters<Duplex['end']>): Duplex {
    this.flush()
    return this.#end.apply(this.#stream, rest)
  }

  /** As the stream's own, behind what has been added. */
  destroy(error?: Error): Duplex {
    this.flush()
    return this.#destroy.call(this.#stream, error)
  }

  /** Writes what has been added. */
  flush(): void {
    if (this.#bytes === 0) return
    const whole = this.#lone ?? this.#together.subarray(0, this.#bytes)
    this.#forget()
    const stream = this.#stream
    if (!stream.destroyed && !stream.writableEnded) this.#write.call(stream, whole)
  }

  /** Half of a packet has been added, and whoever reads on would take what follows for the other half: none of it is sent. */
  #spoil(): never {
    this.#forget()
    const error = new TypeError('a packet cannot be written')
    this.#destroy.call(this.#stream, error)
    throw error
  }

  #forget(): void {
    this.#lone = undefined
    this.#together = empty
    this.#bytes = 0
  }

  #addText(text: string, encoding: BufferEncoding | undefined): boolean {
    // no encoding makes more than three bytes of one character
    const most = text.length * 3
    if (this.#bytes === 0 || most >= largePiece) return this.add(Buffer.from(text, encoding))
    this.#makeRoom(most)
    return this.#added(this.#together.write(text, this.#bytes, encoding))
  }

  #added(bytes: number): boolean {
    this.#bytes += bytes
    if (this.#bytes >= largestBatch) this.flush()
    return !this.#stream.writableNeedDrain
  }

  #makeRoom(more: number): void {
    const needed = this.#bytes + more
    if (needed <= this.#together.length) return
    const grown = Buffer.allocUnsafe(Math.max(smallestBatch, needed, this.#together.length * 2))
    grown.set(this.#lone ?? this.#together.subarray(0, this.#bytes))
    this.#lone = undefined
    this.#together = grown
  }
}
