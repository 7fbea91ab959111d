/** The values of DER that certificates and CRLs are made of, each in its one legal spelling (X.690 §8, §11). */
import { DerError, type DerReader, tag } from './der.ts'

/**
 * A minimal, non-negative INTEGER (X.690 §8.3.2) as lower-case hex without leading `00`: the form in which serial numbers
 * are compared. A negative one is refused (RFC 5280 §4.1.2.2): without its sign, -1 and 255 would be one number.
 */
export function integerHex(contents: Buffer): string {
  const [first, second] = contents
  if (first === undefined) throw new DerError('an empty integer')
  if (first >= 0x80) throw new DerError('a negative integer')
  if (first === 0 && second !== undefined && second < 0x80) throw new DerError('an integer that is not minimal')
  return contents.toString('hex', first === 0 && second !== undefined ? 1 : 0)
}

/** A non-negative INTEGER or ENUMERATED below 2^31. */
export function smallInteger(contents: Buffer): number {
  if (contents.length > 4) throw new DerError('a number out of range')
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

/** The octets of a BIT STRING of any length; its unused bits must be zero (X.690 §11.2). */
export function bitOctets(contents: Buffer): Buffer {
  const [unused] = contents
  const octets = contents.subarray(1)
  const last = octets.at(-1) ?? 0
  if (unused === undefined || unused > 7 || (octets.length === 0 && unused > 0) || (last & ((1 << unused) - 1)) !== 0)
    throw new DerError('a bit string with unused bits that are not zero')
  return octets
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

/** Certificates name few things, and each of them many times. */
const knownOids = new Map<string, string>()
const mostKnownOids = 256

/** Dotted form of an OBJECT IDENTIFIER (X.690 §8.19) of at most 64 octets, each part below 2^32. */
export function oidText(contents: Buffer): string {
  if (contents.length > 64) throw new DerError('an object identifier of more than 64 octets')
  const octets = contents.toString('latin1')
  const known = knownOids.get(octets)
  if (known !== undefined) return known
  const text = dotted(contents)
  // what strangers invent does not push out what everybody uses
  if (knownOids.size < mostKnownOids) knownOids.set(octets, text)
  return text
}

function dotted(contents: Buffer): string {
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
