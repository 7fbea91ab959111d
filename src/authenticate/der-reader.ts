/**
 * A strict reader of DER (X.690 §10): single-octet tags, definite minimal lengths, nothing left over. What it refuses is
 * legal BER that other parsers read leniently, and in which one certificate can be two things to two readers.
 *
 * Throws `DerError`; `parseCertificate` is the one place that catches it.
 */
export class DerError extends Error {
  override readonly name: string = 'DerError'
}

/** One value: its tag, its content, and all its octets. The views share the buffer that was read. */
export interface DerValue {
  readonly tag: number
  readonly content: Uint8Array
  readonly whole: Uint8Array
}

export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** Exactly one value, of this tag if one is given: trailing octets are an error. */
export function readOne(bytes: Uint8Array, tag?: number): DerValue {
  const value = readAt(bytes, 0)
  if (value.whole.length !== bytes.length) throw new DerError('octets are left over behind a value')
  return tag === undefined ? value : expectTag(value, tag)
}

/** The values that a constructed value holds. */
export function readAll(content: Uint8Array): DerValue[] {
  const values: DerValue[] = []
  for (let at = 0; at < content.length; ) {
    const value = readAt(content, at)
    values.push(value)
    at += value.whole.length
  }
  return values
}

function readAt(bytes: Uint8Array, at: number): DerValue {
  const tag = octet(bytes, at)
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag takes several octets')
  const { length, contentAt } = readLength(bytes, at + 1)
  const end = contentAt + length
  if (end > bytes.length) throw new DerError('a value is cut short')
  return { tag, content: bytes.subarray(contentAt, end), whole: bytes.subarray(at, end) }
}

/** X.690 §10.1: definite, in the fewest octets; four are more than any certificate needs. */
function readLength(bytes: Uint8Array, at: number): { readonly length: number; readonly contentAt: number } {
  const first = octet(bytes, at)
  if (first < 0x80) return { length: first, contentAt: at + 1 }
  const count = first & 0x7f
  if (count === 0 || count > 4) throw new DerError('a length is indefinite or too long')
  let length = 0
  for (let i = 1; i <= count; i++) length = length * 256 + octet(bytes, at + i)
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a length takes more octets than it needs')
  return { length, contentAt: at + 1 + count }
}

function octet(bytes: Uint8Array, at: number): number {
  const value = bytes[at]
  if (value === undefined) throw new DerError('a value is cut short')
  return value
}

export function expectTag(value: DerValue | undefined, tag: number): DerValue {
  if (value === undefined) throw new DerError('a part is missing')
  if (value.tag !== tag)
    throw new DerError(`tag 0x${value.tag.toString(16)} stands where 0x${tag.toString(16)} belongs`)
  return value
}

/** Takes the values of a sequence in order; `end` says that none may follow. */
export interface DerCursor {
  /** The next value, which must have this tag. */
  readonly take: (tag: number) => DerValue
  /** The next value if it has this tag. */
  readonly takeIf: (tag: number) => DerValue | undefined
  readonly end: () => void
}

export function cursor(content: Uint8Array): DerCursor {
  const values = readAll(content)
  let at = 0
  return {
    take: tag => expectTag(values[at++], tag),
    takeIf: tag => (values[at]?.tag === tag ? values[at++] : undefined),
    end: () => {
      if (at < values.length) throw new DerError('a sequence has a part too many')
    },
  }
}

/** TRUE is 0xff, FALSE 0x00 (X.690 §11.1). */
export function readBoolean(value: DerValue): boolean {
  const [octet] = value.content
  if (value.content.length !== 1 || (octet !== 0 && octet !== 0xff)) throw new DerError('a boolean is malformed')
  return octet === 0xff
}

/** The magnitude of a non-negative INTEGER, without its sign octet (X.690 §8.3). */
export function readUnsigned(value: DerValue): Uint8Array {
  const [first, second] = value.content
  if (first === undefined || first >= 0x80) throw new DerError('an integer is empty or negative')
  if (first !== 0 || second === undefined) return value.content
  if (second < 0x80) throw new DerError('an integer takes more octets than it needs')
  return value.content.subarray(1)
}

/** A non-negative INTEGER that fits in four octets. */
export function readSmallInteger(value: DerValue): number {
  const digits = readUnsigned(value)
  if (digits.length > 4) throw new DerError('an integer is too large')
  return digits.reduce((sum, digit) => sum * 256 + digit, 0)
}

/** An OBJECT IDENTIFIER in dotted form (X.690 §8.19). */
export function readOid(value: DerValue): string {
  const { content } = value
  const last = content.at(-1)
  if (last === undefined || last >= 0x80 || content.length > 64) throw new DerError('an object identifier is malformed')
  const arcs: bigint[] = []
  let arc = 0n
  let fresh = true
  for (const octet of content) {
    if (fresh && octet === 0x80) throw new DerError('an object identifier takes more octets than it needs')
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    fresh = octet < 0x80
    if (fresh) arcs.push(arc)
    if (fresh) arc = 0n
  }
  const [head = 0n, ...rest] = arcs
  const root = head < 40n ? 0n : head < 80n ? 1n : 2n
  return [root, head - root * 40n, ...rest].join('.')
}

/** The octets of a BIT STRING and how many of its last bits are unused; unused bits are zero (X.690 §11.2). */
export function readBits(value: DerValue): { readonly octets: Uint8Array; readonly unused: number } {
  const [unused] = value.content
  const octets = value.content.subarray(1)
  const last = octets.at(-1) ?? 0
  const malformed = unused === undefined || unused > 7 || (octets.length === 0 && unused > 0)
  if (malformed || (last & ((1 << unused) - 1)) !== 0) throw new DerError('a bit string is malformed')
  return { octets, unused }
}

/** UTCTime or GeneralizedTime in whole seconds UTC, as ms since 1970 (RFC 5280 §4.1.2.5). */
export function readTime(value: DerValue): number {
  const text = Buffer.from(value.content).toString('latin1')
  const isUtc = value.tag === derTags.utcTime
  if (!isUtc && value.tag !== derTags.generalizedTime)
    throw new DerError('a time is neither UTCTime nor GeneralizedTime')
  const digits = isUtc ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits)
  if (parts === null) throw new DerError('a time is malformed')
  const [, year, month, day, hour, minute, second] = parts
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const ms = Date.parse(iso)
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== iso) throw new DerError('a time is no date')
  return ms
}
