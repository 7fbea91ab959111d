/** A DER writer for tests, apart from the one under test, that will also write what is wrong. */

export type Bytes = Uint8Array

export function tlv(tag: number, ...content: readonly Bytes[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

function lengthOf(length: number): Buffer {
  if (length < 128) return Buffer.from([length])
  return length < 256 ? Buffer.from([0x81, length]) : Buffer.from([0x82, length >> 8, length & 255])
}

export const seq = (...content: readonly Bytes[]): Buffer => tlv(0x30, ...content)
export const set = (...content: readonly Bytes[]): Buffer => tlv(0x31, ...content)
export const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')
export const int = (magnitude: Bytes): Buffer => tlv(0x02, magnitude)
export const octets = (content: Bytes): Buffer => tlv(0x04, content)
export const bits = (content: Bytes, unused = 0): Buffer => tlv(0x03, Buffer.from([unused]), content)
export const explicit = (number: number, ...content: readonly Bytes[]): Buffer => tlv(0xa0 + number, ...content)

export function oid(dotted: string): Buffer {
  const [a = 0, b = 0, ...rest] = dotted.split('.').map(Number)
  const arcs = rest.flatMap(arc => {
    const digits = [arc % 128]
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) digits.unshift(128 + (high % 128))
    return digits
  })
  return tlv(0x06, Buffer.from([40 * a + b, ...arcs]))
}

/** GeneralizedTime whatever the year: what is to be tested are instants, not their spelling. */
export function generalizedTime(date: Date): Buffer {
  return tlv(0x18, Buffer.from(`${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`))
}

/** The string types of an attribute. */
export const strings = {
  utf8: (text: string): Buffer => tlv(0x0c, Buffer.from(text, 'utf8')),
  printable: (text: string): Buffer => tlv(0x13, Buffer.from(text, 'latin1')),
  teletex: (text: string): Buffer => tlv(0x14, Buffer.from(text, 'latin1')),
  ia5: (text: string): Buffer => tlv(0x16, Buffer.from(text, 'latin1')),
  bmp: (text: string): Buffer => tlv(0x1e, Buffer.from(text, 'utf16le').swap16()),
  universal: (text: string): Buffer =>
    tlv(
      0x1c,
      ...[...text].map(c => {
        const b = Buffer.alloc(4)
        b.writeUInt32BE(c.codePointAt(0) ?? 0)
        return b
      }),
    ),
} as const
