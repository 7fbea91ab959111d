/**
 * The one reader of DER (X.690 §10, §11): single-octet tags, definite minimal lengths, nothing left over. What it refuses
 * is legal BER that other parsers read leniently, and in which one file can be two things to two readers.
 *
 * It walks forward and never recurses on its own, so nesting in a hostile file costs no stack. It throws DerError only;
 * the modules that use it catch that at their boundary and return a Problem.
 */

/** The bytes are not the DER that was expected. */
export class DerError extends Error {
  override readonly name: string = 'DerError'
}

/** The tags that certificates and CRLs need. */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
  context: (n: number): number => 0xa0 | n,
  contextPrimitive: (n: number): number => 0x80 | n,
} as const

/** An element of a kind that is not known beforehand. Its contents share the buffer that was read. */
export interface DerElement {
  readonly tag: number
  readonly contents: Buffer
}

/** Reads the elements of one constructed value, or of a whole file, one after the other. */
export class DerReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#at = start
    this.#end = end
  }

  get done(): boolean {
    return this.#at === this.#end
  }

  /** The tag of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#at]
  }

  /** The contents of the next element, which must have this tag. */
  take(expected: number): Buffer {
    const start = this.#header(expected)
    return this.#bytes.subarray(start, this.#at)
  }

  /** As `take`, where the element may be missing. */
  takeOptional(expected: number): Buffer | undefined {
    return this.nextTag === expected ? this.take(expected) : undefined
  }

  /** The next element with its tag and length octets, as it is signed or compared. */
  takeWhole(expected: number): Buffer {
    const start = this.#at
    this.#header(expected)
    return this.#bytes.subarray(start, this.#at)
  }

  /** The next element, whatever it is. */
  takeAny(): DerElement {
    const found = this.nextTag
    if (found === undefined) throw new DerError('the end comes too early')
    return { tag: found, contents: this.take(found) }
  }

  /** What `read` makes of the contents of the next element; it must read all of them. */
  inside<T>(expected: number, read: (contents: DerReader) => T): T {
    const contents = this.peekInside(expected)
    const value = read(contents)
    contents.finish()
    return value
  }

  /** As `inside`, where the element may be missing. */
  insideOptional<T>(expected: number, read: (contents: DerReader) => T): T | undefined {
    return this.nextTag === expected ? this.inside(expected, read) : undefined
  }

  /** What `read` makes of each element up to the end. */
  each<T>(read: (reader: DerReader) => T): T[] {
    const values: T[] = []
    while (!this.done) values.push(read(this))
    return values
  }

  /** A reader over the contents of the next element of which nobody asks that all be read. */
  peekInside(expected: number): DerReader {
    const start = this.#header(expected)
    return new DerReader(this.#bytes, start, this.#at)
  }

  /** Everything must have been read. */
  finish(): void {
    if (!this.done) throw new DerError(`${this.#end - this.#at} bytes too many`)
  }

  /** Reads tag and length, moves past the element, gives the offset of its contents. */
  #header(expected: number): number {
    const found = this.#byte()
    if ((found & 0x1f) === 0x1f) throw new DerError('a tag of several octets')
    if (found !== expected) throw new DerError(`tag 0x${hex(found)} where 0x${hex(expected)} is expected`)
    const length = this.#length()
    const start = this.#at
    if (length > this.#end - start) throw new DerError('a length reaches past the end')
    this.#at = start + length
    return start
  }

  /** X.690 §10.1: the definite form in the fewest octets. Four octets (4 GiB) are more than any file here. */
  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const octets = first & 0x7f
    if (octets === 0) throw new DerError('an indefinite length')
    if (octets > 4) throw new DerError('a length of more than four octets')
    let length = 0
    for (let i = 0; i < octets; i++) length = length * 256 + this.#byte()
    if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError('a length that is not minimal')
    return length
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined
    if (byte === undefined) throw new DerError('the end comes too early')
    this.#at++
    return byte
  }
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')

/** What `read` makes of bytes that are elements and nothing else. */
export function readWhole<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T {
  const reader = new DerReader(bytes)
  const value = read(reader)
  reader.finish()
  return value
}

/** What `read` makes of bytes that are one constructed element and nothing else. */
export function readOnly<T>(bytes: Uint8Array, expected: number, read: (contents: DerReader) => T): T {
  return readWhole(bytes, reader => reader.inside(expected, read))
}
