/**
 * A writer for the part of DER (X.690 §10–11) that certificates and CRLs need. Each function gives the bytes of one
 * complete value; lengths are definite and minimal, so what it writes is DER by construction.
 */

const tags = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, enumerated: 0x0a } as const
const timeTags = { utc: 0x17, generalized: 0x18 } as const

/** One value: tag, minimal length, content. */
export function encode(tag: number, ...content: readonly Uint8Array[]): Buffer {
  let length = 0
  for (const part of content) length += part.length
  const digits = length < 0x80 ? undefined : bigEndian(BigInt(length))
  let at = 2 + (digits?.length ?? 0)
  const whole = Buffer.allocUnsafe(at + length)
  whole[0] = tag
  whole[1] = digits === undefined ? length : 0x80 | digits.length
  if (digits !== undefined) whole.set(digits, 2)
  for (const part of content) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function bigEndian(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

export function sequence(...content: readonly Uint8Array[]): Buffer {
  return encode(0x30, ...content)
}

/** SET OF one value; with several, DER would demand an order that nothing here needs. */
export function setOfOne(content: Uint8Array): Buffer {
  return encode(0x31, content)
}

/** `[n]` EXPLICIT, or IMPLICIT of a constructed type. */
export function context(number: number, ...content: readonly Uint8Array[]): Buffer {
  return encode(0xa0 | number, ...content)
}

/** `[n]` IMPLICIT of a primitive type. */
export function contextPrimitive(number: number, content: Uint8Array): Buffer {
  return encode(0x80 | number, content)
}

export function boolean(value: boolean): Buffer {
  return encode(tags.boolean, Buffer.from([value ? 0xff : 0]))
}

export function nullValue(): Buffer {
  return Buffer.from([0x05, 0])
}

/** A non-negative INTEGER. */
export function integer(value: bigint): Buffer {
  return integerOf(bigEndian(value))
}

/** A non-negative INTEGER, as hexadecimal digits without leading zero octets. */
export function integerOfHex(hex: string): Buffer {
  return integerOf(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
}

function integerOf(digits: Buffer): Buffer {
  const needsZero = (digits[0] ?? 0) >= 0x80
  return encode(tags.integer, needsZero ? Buffer.concat([Buffer.from([0]), digits]) : digits)
}

export function enumerated(value: number): Buffer {
  return encode(tags.enumerated, Buffer.from([value]))
}

export function octetString(content: Uint8Array): Buffer {
  return encode(tags.octetString, content)
}

export function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return encode(tags.bitString, Buffer.from([unusedBits]), content)
}

/** Named bits, most significant first, trailing zero bits removed (X.690 §11.2.2). */
export function namedBits(bits: readonly number[]): Buffer {
  const highest = Math.max(...bits)
  const bytes = Buffer.alloc((highest >> 3) + 1)
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return bitString(bytes, 7 - (highest & 7))
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return encode(tags.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(arc: number): number[] {
  const digits = [arc & 0x7f]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}

export function utf8String(text: string): Buffer {
  return encode(0x0c, Buffer.from(text, 'utf8'))
}

export function printableString(text: string): Buffer {
  return encode(0x13, Buffer.from(text, 'latin1'))
}

/** UTCTime from 1950 to 2049, GeneralizedTime from 2050 on, whole seconds, `Z` (RFC 5280 §4.1.2.5). */
export function time(date: Date): Buffer {
  const year = date.getUTCFullYear()
  if (year < 1950 || year > 9999) throw new RangeError(`a certificate cannot say the year ${year}`)
  const iso = date.toISOString()
  const digits = `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 10)}${iso.slice(11, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`
  return year < 2050
    ? encode(timeTags.utc, Buffer.from(digits.slice(2), 'latin1'))
    : encode(timeTags.generalized, Buffer.from(digits, 'latin1'))
}
