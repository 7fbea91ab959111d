import { describe, expect, it } from 'vitest'
import {
  DerError,
  DerReader,
  derBoolean,
  integerHex,
  oidText,
  readExtensions,
  smallInteger,
  tag,
  takeTime,
  wholeOctets,
} from '../../src/accept/der.ts'

const reader = (hex: string): DerReader => new DerReader(Buffer.from(hex, 'hex'))
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const timeOf = (tagByte: number, text: string): number =>
  takeTime(new DerReader(Buffer.concat([Buffer.from([tagByte, text.length]), Buffer.from(text)])))

describe('DerReader', () => {
  it('reads elements one after the other', () => {
    const list = reader('3006020101020102').enter(tag.sequence)
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
    expect(reader('').enterOptional(tag.sequence)).toBeUndefined()
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
    const inner = reader('3003020101020102').enter(tag.sequence)
    inner.take(tag.integer)
    expect(() => inner.take(tag.integer)).toThrow(DerError)
    expect(() => reader('3003020201ff').enter(tag.sequence).take(tag.integer)).toThrow(DerError)
  })

  it('refuses what is left over', () => {
    expect(() => reader('00').finish()).toThrow(/1 bytes too many/)
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

  it('reads small integers only', () => {
    expect(smallInteger(bytes('0100'))).toBe(256)
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

  it.each([
    ['551d23', '2.5.29.35'],
    ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
    ['2b6570', '1.3.101.112'],
    ['883703', '2.999.3'],
  ])('writes the object identifier %s as %s', (contents, text) => {
    expect(oidText(bytes(contents))).toBe(text)
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
    expect(readExtensions(reader(one)).get('2.5.29.20')).toEqual({ critical: false, value: bytes('0500') })
    expect(() => readExtensions(reader(one + one))).toThrow(/twice/)
  })
})
