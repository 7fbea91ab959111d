import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultAlphabet, isSafeValue, unsafeReason, valueKinds, widenAlphabet } from '../../src/policy/safe-value.ts'
import { must, problemOf } from '../support/policy-set.ts'
import { checkProperty } from '../support/property.ts'

const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
const safe = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-'
const accepted = (fits: (character: string) => boolean): string => bytes.filter(fits).sort().join('')
const sorted = (text: string): string => [...text].sort().join('')

describe('safe values', () => {
  test('of all 256 byte values, exactly the alphabet may stand inside a value', () => {
    expect(accepted(c => isSafeValue(`a${c}`, defaultAlphabet))).toBe(sorted(safe))
  })

  test('and all of these but - and . may stand first', () => {
    expect(accepted(c => isSafeValue(c, defaultAlphabet))).toBe(sorted(safe.replace(/[.-]/g, '')))
  })

  test.each([
    ['alnum', safe.replace(/[._-]/g, '')],
    ['hex', '0123456789abcdef'],
    ['digits', '0123456789'],
  ] as const)('%s narrows the alphabet', (kind, characters) => {
    expect(accepted(c => isSafeValue(c, defaultAlphabet, kind))).toBe(sorted(characters))
    expect(accepted(c => isSafeValue(`0${c}`, defaultAlphabet, kind))).toBe(sorted(characters))
  })

  test('1 to 64 characters', () => {
    expect(isSafeValue('', defaultAlphabet)).toBe(false)
    expect(isSafeValue('x'.repeat(64), defaultAlphabet)).toBe(true)
    expect(isSafeValue('x'.repeat(65), defaultAlphabet)).toBe(false)
  })

  test.each([
    ['', 'is empty'],
    ['x'.repeat(65), 'is longer than 64 characters'],
    ['-rf', 'begins with `-`'],
    ['..', 'begins with `.`'],
    ['a/b', 'holds `/`'],
    ['a\n', 'holds `\\u000a`'],
    ['pump\u202e7', 'holds `\\u202e`'],
  ])('%j %s', (text, reason) => {
    expect(unsafeReason(text, defaultAlphabet)).toBe(reason)
  })

  test('each kind lies within the one before', () => {
    checkProperty(
      'each kind of safe value lies within the one before',
      fc.property(fc.string({ unit: fc.constantFrom(...safe, '/', ' '), maxLength: 4 }), text => {
        const fits = valueKinds.map(kind => isSafeValue(text, defaultAlphabet, kind))
        return fits.every((fit, index) => !fit || index === 0 || fits[index - 1] === true)
      }),
    )
  })
})

describe('widening the alphabet', () => {
  test('letters, digits and : of other scripts', () => {
    const alphabet = must(widenAlphabet('äß:Ж漢٣𐐷'))
    for (const value of ['Jäger', 'Straße', 'a:b', ':a', 'Ж1', '漢', '٣', 'x𐐷', '𐐷'.repeat(64)]) {
      expect(isSafeValue(value, alphabet), value).toBe(true)
    }
    expect(isSafeValue('𐐷'.repeat(65), alphabet)).toBe(false)
    expect(isSafeValue('\ud801', alphabet)).toBe(false)
    expect(isSafeValue('ä', alphabet, 'alnum')).toBe(false)
    expect(isSafeValue('ö', alphabet)).toBe(false)
  })

  test.each([...'/+#$ \t\n\0\u007f\u00a0\u200b\u202e\u2028\ufeff*?"\'\\<>&=,;@%{}', '\u0301', '\ud800', '\uff20'])(
    'never %j',
    character => {
      expect(problemOf(widenAlphabet(`ä${character}`)).code).toBe('policy/unsafe-alphabet')
    },
  )

  test('never a letter that NFC changes, joins or hides', () => {
    expect(problemOf(widenAlphabet('\u212b')).sentence).toBe('`\u212b` cannot be part of a safe value') // ångström sign
    expect(problemOf(widenAlphabet('\u3164')).code).toBe('policy/unsafe-alphabet') // Hangul filler: invisible
    expect(problemOf(widenAlphabet('\u1100\u1161')).sentence).toContain('join to one character in NFC')
  })

  test('of all characters of the basic plane, a value is in NFC whatever it is made of', () => {
    for (let code = 0; code < 0x10000; code += 1) {
      const character = String.fromCharCode(code)
      const alphabet = widenAlphabet(character)
      if (!alphabet.ok) continue
      for (const text of [character, `a${character}`, `${character}${character}`, `${character}z`]) {
        if (text.normalize('NFC') !== text) expect.fail(`U+${code.toString(16)}`)
      }
    }
  })
})
