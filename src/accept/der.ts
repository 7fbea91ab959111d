/**
 * A strict reader of DER (X.690 §10, §11): definite and minimal lengths, single-byte tags, nothing outside its bounds.
 * It walks forward and never recurses, so nesting in a hostile file costs no stack. It throws DerError only; the modules
 * that use it catch that at their boundary and return a Problem.
 */

/** The bytes are not the DER that was expected. Never leaves `accept/`. */
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
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  context: (n: number): number => 0xa0 | n,
  contextPrimitive: (n: number): number => 0x80 | n,
} as const

/** Reads the elements of one constructed value, or of a whole file, one after the other. */
export class DerReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes
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

  /** The next element with its tag and length octets, as it is signed or compared. */
  takeWhole(expected: number): Buffer {
    const start = this.#at
    this.#header(expected)
    return this.#bytes.subarray(start, this.#at)
  }

  /** A reader over the contents of the next element. */
  enter(expected: number): DerReader {
    const start = this.#header(expected)
    return new DerReader(this.#bytes, start, this.#at)
  }

  /** As `enter`, where the element may be missing. */
  enterOptional(expected: number): DerReader | undefined {
    return this.nextTag === expected ? this.enter(expected) : undefined
  }

  /** As `take`, where the element may be missing. */
  takeOptional(expected: number): Buffer | undefined {
    return this.nextTag === expected ? this.take(expected) : undefined
  }

  /** Everything must have been read. */
  finish(): void {
    if (!this.done) throw new DerError(`${this.#end - this.#at} bytes too many`)
  }

  /** Reads tag and length, moves past the element, gives the offset of its contents. */
  #header(expected: number): number {
    const found = this.#byte()
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
    if (this.#at >= this.#end) throw new DerError('the end comes too early')
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new DerError('the end comes too early')
    this.#at++
    return byte
  }
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')

/**
 * A minimal INTEGER (X.690 §8.3.2) as lower-case hex without leading `00`: the form in which serial numbers are compared.
 * A negative one (no conforming CA makes them, RFC 5280 §4.1.2.2) keeps its two's complement octets.
 */
export function integerHex(contents: Buffer): string {
  const [first, second] = contents
  if (first === undefined) throw new DerError('an empty integer')
  const wasteful = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  if (wasteful) throw new DerError('an integer that is not minimal')
  return contents.toString('hex', first === 0 && second !== undefined ? 1 : 0)
}

/** A small non-negative INTEGER or ENUMERATED. */
export function smallInteger(contents: Buffer): number {
  if (contents.length > 4 || (contents[0] ?? 0) >= 0x80) throw new DerError('a number out of range')
  return Number.parseInt(integerHex(contents), 16)
}

/** X.690 §11.1: TRUE is FF. */
export function derBoolean(contents: Buffer): boolean {
  const [value] = contents
  if (contents.length !== 1 || (value !== 0 && value !== 0xff))
    throw new DerError('a boolean that is neither 00 nor FF')
  return value === 0xff
}

/** BIT STRING of whole octets, as signatures and keys are. */
export function wholeOctets(contents: Buffer): Buffer {
  if (contents[0] !== 0) throw new DerError('a bit string that is not of whole octets')
  return contents.subarray(1)
}

/** Reads the next element as a time. RFC 5280 §4.1.2.5 and §5.1.2.4: UTCTime or GeneralizedTime, with seconds, Zulu, no fractions. */
export function takeTime(reader: DerReader): number {
  if (reader.nextTag === tag.utcTime) {
    const text = reader.take(tag.utcTime)
    if (text.length !== 13) throw new DerError('a UTCTime that is not YYMMDDHHMMSSZ')
    const year = digits(text, 0)
    return timeOf(year < 50 ? 2000 + year : 1900 + year, text, 2)
  }
  const text = reader.take(tag.generalizedTime)
  if (text.length !== 15) throw new DerError('a GeneralizedTime that is not YYYYMMDDHHMMSSZ')
  return timeOf(digits(text, 0) * 100 + digits(text, 2), text, 4)
}

function timeOf(year: number, text: Buffer, at: number): number {
  const [month, day] = [digits(text, at), digits(text, at + 2)]
  const [hour, minute, second] = [digits(text, at + 4), digits(text, at + 6), digits(text, at + 8)]
  if (text[at + 10] !== 0x5a || year < 1950) throw new DerError('a time that does not end in Z, or before 1950')
  const time = Date.UTC(year, month - 1, day, hour, minute, second)
  const date = new Date(time)
  const same = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  if (!same) throw new DerError('a time that no calendar has')
  return time
}

function digits(text: Buffer, at: number): number {
  const [tens, ones] = [(text[at] ?? 0) - 0x30, (text[at + 1] ?? 0) - 0x30]
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw new DerError('a time with something other than digits')
  return tens * 10 + ones
}

/** Dotted form of an OBJECT IDENTIFIER (X.690 §8.19), for tables and messages. */
export function oidText(contents: Buffer): string {
  const parts: number[] = []
  let part = 0
  let open = false
  for (const byte of contents) {
    if (!open && byte === 0x80) throw new DerError('an object identifier that is not minimal')
    part = part * 128 + (byte & 0x7f)
    if (part > 0xffffffff) throw new DerError('an object identifier with a part out of range')
    open = byte >= 0x80
    if (!open) {
      parts.push(part)
      part = 0
    }
  }
  const [first] = parts
  if (open || first === undefined) throw new DerError('an object identifier cut short')
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - root * 40, ...parts.slice(1)].join('.')
}

/** One extension of a certificate, a CRL or a CRL entry (RFC 5280 §4.1): the same shape in all three. */
export interface DerExtension {
  readonly critical: boolean
  readonly value: Buffer
}

/** Reads `SEQUENCE OF Extension`; a second one of the same kind is refused (RFC 5280 §4.2). */
export function readExtensions(list: DerReader): ReadonlyMap<string, DerExtension> {
  const extensions = new Map<string, DerExtension>()
  while (!list.done) {
    const one = list.enter(tag.sequence)
    const oid = oidText(one.take(tag.oid))
    const critical = one.takeOptional(tag.boolean)
    const value = one.take(tag.octetString)
    one.finish()
    if (extensions.has(oid)) throw new DerError(`extension ${oid} twice`)
    // a DEFAULT FALSE that is written out is not DER (X.690 §11.5), but common: taken as what it says
    extensions.set(oid, { critical: critical !== undefined && derBoolean(critical), value })
  }
  return extensions
}
