import { describe, expect, it } from 'vitest'
import { DerError, DerReader, readOnly, readWhole, tag } from '../../src/accept/der.ts'
import {
  readAlgorithm,
  readAuthorityKeyId,
  readBasicConstraints,
  readExtensions,
  readKeyUsage,
  readSubjectKeyId,
} from '../../src/accept/der-structures.ts'
import {
  bitOctets,
  derBoolean,
  integerHex,
  oidText,
  smallInteger,
  takeTime,
  wholeOctets,
} from '../../src/accept/der-values.ts'

const reader = (hex: string): DerReader => new DerReader(Buffer.from(hex, 'hex'))
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const timeOf = (tagByte: number, text: string): number =>
  takeTime(new DerReader(Buffer.concat([Buffer.from([tagByte, text.length]), Buffer.from(text)])))

describe('DerReader', () => {
  it('reads elements one after the other', () => {
    const list = reader('3006020101020102').peekInside(tag.sequence)
    expect(list.take(tag.integer)).toEqual(bytes('01'))
    expect(list.takeWhole(tag.integer)).toEqual(bytes('020102'))
    expect(list.done).toBe(true)
    expect(list.nextTag).toBeUndefined()
    list.finish()
  })

  it('reads lengths of several octets', () => {
    const contents = 'aa'.repeat(200)
    expect(reader(`0481c8${contents}`).take(tag.octetString)).toHaveLength(200)
    expect(reader(`04820100${'bb'.repeat(256)}`).take(tag.octetString)).toHaveLength(256)
  })

  it('leaves out what is optional and missing', () => {
    expect(reader('020101').takeOptional(tag.boolean)).toBeUndefined()
    expect(reader('').insideOptional(tag.sequence, list => list.done)).toBeUndefined()
  })

  it.each([
    ['another tag', '020101'],
    ['no bytes', ''],
    ['no length', '04'],
    ['a length past the end', '0402aa'],
    ['an indefinite length', '0480aa0000'],
    ['a long form that fits the short one', '04810100'],
    ['leading zeros in a length', `0482008${'0'}${'aa'.repeat(128)}`],
    ['a length of five octets', '04850000000001aa'],
    ['a length cut short', '0482ff'],
    ['the greatest length', '0484ffffffff'],
  ])('refuses %s', (_, hex) => {
    expect(() => reader(hex).take(tag.octetString)).toThrow(DerError)
  })

  it('never reads past the element that it entered', () => {
    const inner = reader('3003020101020102').peekInside(tag.sequence)
    inner.take(tag.integer)
    expect(() => inner.take(tag.integer)).toThrow(DerError)
    expect(() => reader('3003020201ff').peekInside(tag.sequence).take(tag.integer)).toThrow(DerError)
  })

  it('refuses what is left over', () => {
    expect(() => reader('00').finish()).toThrow(/1 bytes too many/)
    const two = reader('3006020101020102')
    expect(() => two.inside(tag.sequence, list => list.take(tag.integer))).toThrow(/3 bytes too many/)
    expect(() => reader('3003020101').insideOptional(tag.sequence, () => 'nothing')).toThrow(/3 bytes too many/)
    expect(() => readWhole(bytes('0201010500'), whole => whole.take(tag.integer))).toThrow(/2 bytes too many/)
    expect(() => readOnly(bytes('300002'), tag.sequence, () => 'nothing')).toThrow(/1 bytes too many/)
  })

  it('reads all elements of a list, and elements of any kind', () => {
    const list = bytes('3006020101040102')
    expect(readOnly(list, tag.sequence, elements => elements.each(one => one.takeAny()))).toEqual([
      { tag: tag.integer, contents: bytes('01') },
      { tag: tag.octetString, contents: bytes('02') },
    ])
    expect(() => reader('').takeAny()).toThrow(/end comes too early/)
  })

  it.each(['1f8101', '1f0100', '3f0100', '9f0100', 'bf0100', 'ff0100'])('refuses %s: a tag of several octets', hex => {
    expect(() => reader(hex).takeAny()).toThrow(/several octets/)
    expect(() => reader(hex).take(Number.parseInt(hex.slice(0, 2), 16))).toThrow(/several octets/)
  })

  it('reads any view of a buffer, and no byte beside it', () => {
    const beside = Uint8Array.from([0xff, 0x02, 0x01, 0x07, 0xff]).subarray(1, 4)
    expect(readWhole(beside, whole => whole.take(tag.integer))).toEqual(bytes('07'))
    expect(() => readWhole(beside.subarray(0, 2), whole => whole.take(tag.integer))).toThrow(DerError)
  })
})

describe('values', () => {
  it.each([
    ['00', '00'],
    ['01', '01'],
    ['00ff', 'ff'],
    ['7f00', '7f00'],
    ['0080aa', '80aa'],
  ])('writes the integer %s as %s', (contents, hex) => {
    expect(integerHex(bytes(contents))).toBe(hex)
  })

  it.each(['', '0001', '007f', 'ff80'])('refuses the integer %j, which is not minimal', contents => {
    expect(() => integerHex(bytes(contents))).toThrow(DerError)
  })

  it.each(['80', 'ff', 'ff01', '80000000'])('refuses the integer %s, which is negative', contents => {
    expect(() => integerHex(bytes(contents))).toThrow(/negative/)
  })

  it('reads small integers only', () => {
    expect(smallInteger(bytes('0100'))).toBe(256)
    expect(smallInteger(bytes('7fffffff'))).toBe(0x7fffffff)
    for (const wrong of ['', '0001', '0080000000']) expect(() => smallInteger(bytes(wrong))).toThrow(DerError)
    expect(() => smallInteger(bytes('ff'))).toThrow(DerError)
    expect(() => smallInteger(bytes('0100000000'))).toThrow(DerError)
  })

  it('reads booleans of 00 and FF only', () => {
    expect([derBoolean(bytes('ff')), derBoolean(bytes('00'))]).toEqual([true, false])
    for (const wrong of ['', '01', 'ffff']) expect(() => derBoolean(bytes(wrong))).toThrow(DerError)
  })

  it('reads bit strings of whole octets only', () => {
    expect(wholeOctets(bytes('00aa'))).toEqual(bytes('aa'))
    for (const wrong of ['', '01aa']) expect(() => wholeOctets(bytes(wrong))).toThrow(DerError)
  })

  it('reads bit strings of any length whose unused bits are zero', () => {
    expect(bitOctets(bytes('0780'))).toEqual(bytes('80'))
    expect(bitOctets(bytes('00'))).toEqual(bytes(''))
    for (const wrong of ['', '01', '0800', '0781', '01ff']) expect(() => bitOctets(bytes(wrong))).toThrow(DerError)
  })

  it.each([
    ['551d23', '2.5.29.35'],
    ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
    ['2b6570', '1.3.101.112'],
    ['883703', '2.999.3'],
  ])('writes the object identifier %s as %s', (contents, text) => {
    expect(oidText(bytes(contents))).toBe(text)
  })

  it('reads object identifiers of up to 64 octets', () => {
    expect(oidText(Buffer.alloc(64, 0x01))).toBe(`0.1${'.1'.repeat(63)}`)
    expect(() => oidText(Buffer.alloc(65, 0x01))).toThrow(/64 octets/)
    expect(oidText(bytes('2a8fffffff7f'))).toBe('1.2.4294967295')
    expect(() => oidText(bytes('2a9080808000'))).toThrow(/out of range/)
  })

  it.each(['', '80', '2a80', '2a8001', '2affffffffff7f'])('refuses the object identifier %j', contents => {
    expect(() => oidText(bytes(contents))).toThrow(DerError)
  })

  it('reads times', () => {
    expect(timeOf(tag.utcTime, '260301000000Z')).toBe(Date.UTC(2026, 2, 1))
    expect(timeOf(tag.utcTime, '500101000000Z')).toBe(Date.UTC(1950, 0, 1))
    expect(timeOf(tag.utcTime, '491231235959Z')).toBe(Date.UTC(2049, 11, 31, 23, 59, 59))
    expect(timeOf(tag.generalizedTime, '20500229000000Z'.replace('0229', '0228'))).toBe(Date.UTC(2050, 1, 28))
  })

  it.each([
    [tag.utcTime, '2603010000Z'],
    [tag.utcTime, '260301000000+'],
    [tag.utcTime, '260230000000Z'],
    [tag.utcTime, '261301000000Z'],
    [tag.utcTime, '260301240000Z'],
    [tag.utcTime, '2603010000 0Z'],
    [tag.generalizedTime, '20260301000000.5Z'],
    [tag.generalizedTime, '00000101000000Z'],
    [tag.octetString, '260301000000Z'],
  ])('refuses the time %i %s', (tagByte, text) => {
    expect(() => timeOf(tagByte, text)).toThrow(DerError)
  })

  it('refuses an extension that stands twice', () => {
    const one = '3009' + '0603551d14' + '0402' + '0500'
    expect(readExtensions(reader(one)).get('2.5.29.20')).toEqual({
      oid: '2.5.29.20',
      critical: false,
      value: bytes('0500'),
    })
    expect(() => readExtensions(reader(one + one))).toThrow(/twice/)
  })
})

describe('shapes that certificates and CRLs share', () => {
  const algorithm = (hex: string) => readOnly(bytes(hex), tag.sequence, readAlgorithm)

  it('reads an algorithm with and without parameters, and nothing behind them', () => {
    expect(algorithm('300506032b6570')).toEqual({ oid: '1.3.101.112', parameters: undefined })
    expect(algorithm('300706032b65700500')).toEqual({ oid: '1.3.101.112', parameters: { tag: 5, contents: bytes('') } })
    expect(() => algorithm('300906032b657005000500')).toThrow(/2 bytes too many/)
    expect(() => algorithm('300504032b6570')).toThrow(/tag 0x04/) // an OCTET STRING that reads like the identifier
  })

  it.each([
    ['keyUsage', readKeyUsage, '03020780', '80'],
    ['subjectKeyIdentifier', readSubjectKeyId, '0402aabb', 'aabb'],
    ['authorityKeyIdentifier', readAuthorityKeyId, '30048002aabb', 'aabb'],
    ['authorityKeyIdentifier with issuer and serial', readAuthorityKeyId, '30098002aabba100820107', 'aabb'],
  ])('reads %s, and nothing behind it', (_, read, value, contents) => {
    expect(read(bytes(value))).toEqual(bytes(contents))
    expect(() => read(bytes(`${value}00`))).toThrow(/1 bytes too many/)
  })

  it('refuses an authorityKeyIdentifier out of order', () => {
    expect(readAuthorityKeyId(bytes('3000'))).toBeUndefined()
    expect(() => readAuthorityKeyId(bytes('30078201078002aabb'))).toThrow(/too many/)
  })

  it('reads basicConstraints, and nothing behind them', () => {
    expect(readBasicConstraints(bytes('3000'))).toEqual({ ca: false, pathLength: undefined })
    expect(readBasicConstraints(bytes('30060101ff020103'))).toEqual({ ca: true, pathLength: 3 })
    for (const wrong of ['300000', '3003020180', '30060201030101ff', '3003010101'])
      expect(() => readBasicConstraints(bytes(wrong))).toThrow(DerError)
  })
})
