/** Lines come out as they went in, wherever the bytes were cut. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineReader } from '../../../src/tool/admin/line-reader.ts'
import { checkProperty } from '../../support/property.ts'

const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map(text => text.replaceAll('\n', ''))

test('lines come out as they went in', () => {
  checkProperty(
    'lines are the same however they are cut',
    fc.property(fc.array(line), fc.array(fc.nat(8)), fc.boolean(), (lines, cuts, isCut) => {
      const bytes = Buffer.from(lines.map(one => `${one}\n`).join('') + (isCut ? 'x' : ''))
      const reader = new LineReader(400)
      const read: string[] = []
      let at = 0
      for (const length of [...cuts, bytes.length]) {
        const taken = reader.take(bytes.subarray(at, at + length))
        if (taken === 'too-long') throw new Error('none of them is')
        read.push(...taken)
        at += length
      }
      expect(read).toEqual(lines)
      expect(reader.isWithin).toBe(isCut)
    }),
  )
})

test('a line is as long as it may be, and no longer, whole or not', () => {
  expect(new LineReader(3).take(Buffer.from('abc\n'))).toEqual(['abc'])
  expect(new LineReader(3).take(Buffer.from('abcd\n'))).toBe('too-long')
  expect(new LineReader(3).take(Buffer.from('abcd'))).toBe('too-long')
  const reader = new LineReader(3)
  expect(reader.take(Buffer.from('ab'))).toEqual([])
  expect(reader.take(Buffer.from('cd\n'))).toBe('too-long')
})
