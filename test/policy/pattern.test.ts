import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { literalPattern, matchPattern, parsePattern, patternCaptures } from '../../src/policy/pattern.ts'
import { defaultAlphabet, isSafeValue, type ValueKind } from '../../src/policy/safe-value.ts'
import { must, problemOf } from '../support/policy-set.ts'
import { checkProperty } from '../support/property.ts'

const where = { file: 'plant.yaml', line: 3, column: 9 }
const parse = (text: string) => parsePattern(text, where, defaultAlphabet)
const match = (pattern: string, text: string) => matchPattern(must(parse(pattern)), text, defaultAlphabet)
const captures = (pattern: string, text: string) => {
  const found = match(pattern, text)
  return found.kind === 'match' ? Object.fromEntries(found.captures) : found.kind
}

describe('parsing', () => {
  test('names its captures, each once', () => {
    expect(patternCaptures(must(parse('${site}/${device}/${site}')))).toEqual(['site', 'device'])
    expect(patternCaptures(literalPattern('${x}', where))).toEqual([])
  })

  test.each([
    '${}',
    '${Device}',
    '${1}',
    '${a-b}',
    '${a:}',
    '${a:word}',
    '${a:ALNUM}',
    '${ a }',
    '${a',
    '$a}',
    'a{b',
    'a}b',
    '${a${b}}',
  ])('%s is no pattern', text => {
    const found = problemOf(parse(text))
    expect(found).toMatchObject({ code: 'policy/bad-pattern', where })
    expect(found.help).toContain('`${name:alnum}`')
  })

  test.each([
    '${a}${b}',
    '${site}-${device}',
    '${a}x${b:alnum}',
    '${a:alnum}_${b}${c}',
    '${a:digits}0${b:hex}',
    '${a:alnum}-${b}.${c:alnum}',
  ])('%s has more than one reading', text => {
    expect(problemOf(parse(text))).toMatchObject({ code: 'policy/ambiguous-capture', where })
  })

  test.each([
    '${site:alnum}-${device}',
    '${a}-${b:alnum}',
    '${a}/${b}',
    'x${a}',
    '${a:digits}a${b}',
    '${a}::${b}',
    '+${a}',
  ])('%s has one', text => {
    expect(parse(text).ok).toBe(true)
  })
})

describe('matching', () => {
  test.each([
    ['${site:alnum}-${device}', 's1-pump-7', { site: 's1', device: 'pump-7' }],
    ['${a}-${b:alnum}', 's-1-pump7', { a: 's-1', b: 'pump7' }],
    ['urn:acme:staff:${name}', 'urn:acme:staff:ops-1', { name: 'ops-1' }],
    ['${a}/${b}/x', 'x/x/x', { a: 'x', b: 'x' }],
    ['${a}/${a}', 'p/p', { a: 'p' }],
    ['${a}', 'urn', { a: 'urn' }],
  ])('%s on %s', (pattern, text, expected) => {
    expect(captures(pattern, text)).toEqual(expected)
  })

  test.each([
    ['urn:acme:staff:${name}', 'urn:acme:Staff:ops-1'],
    ['urn:acme:staff:${name}', 'xurn:acme:staff:ops-1'],
    ['${a}/x', 'p/x/y'],
    ['${a}/${b}', 'p'],
    ['x/${a}/x', 'x/x'],
    ['pump', 'pump '],
    ['pump', 'Pump'],
    ['aa', 'a'],
  ])('%s does not fit %j', (pattern, text) => {
    expect(captures(pattern, text)).toBe('no-match')
  })

  test.each([
    ['${a}', '', 'is empty'],
    ['${a}', 'pump 7', 'holds ` `'],
    ['${a}', 'pump-7\0', 'holds `\\u0000`'],
    ['urn:${a}', 'urn:', 'is empty'],
    ['urn:${a}', 'urn:+', 'holds `+`'],
    ['${a:digits}', '07f', 'holds `f`'],
    ['${a}/x', '../x', 'begins with `.`'],
    ['${a}', 'x'.repeat(100_000), 'is longer than 64 characters'],
    ['${a}/${b}', 'p//', 'has no safe value for each of its captures'],
    ['${a}/${a}', 'p/q', 'has `p` and `q` for `${a}`'],
  ])('%s fits %j, which is not safe', (pattern, text, reason) => {
    expect(match(pattern, text)).toEqual({ kind: 'unsafe', reason })
  })

  test('a hostile text of a megabyte costs no time', () => {
    const text = '-/'.repeat(500_000)
    const before = performance.now()
    for (const pattern of ['${a}/${b}/${c}', '${a:alnum}-${b}', 'x${a}']) match(pattern, text)
    expect(performance.now() - before).toBeLessThan(500)
  })
})

/** Every way to share out the text, by trying all: slow, and plainly right. */
function readings(parts: readonly (string | { name: string; kind: ValueKind })[], text: string): Map<string, string>[] {
  const [first, ...rest] = parts
  if (first === undefined) return text === '' ? [new Map()] : []
  if (typeof first === 'string') return text.startsWith(first) ? readings(rest, text.slice(first.length)) : []
  const found: Map<string, string>[] = []
  for (let end = 0; end <= text.length; end += 1) {
    const value = text.slice(0, end)
    if (!isSafeValue(value, defaultAlphabet, first.kind)) continue
    for (const reading of readings(rest, text.slice(end))) {
      const other = reading.get(first.name)
      if (other === undefined || other === value) found.push(new Map([[first.name, value], ...reading]))
    }
  }
  return found
}

describe('against a slow reference', () => {
  const part = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', '1', '-', '/', '.'), minLength: 1, maxLength: 2 }),
    fc.record({
      name: fc.constantFrom('x', 'y', 'z'),
      kind: fc.constantFrom<ValueKind>('safe', 'alnum', 'digits', 'hex'),
    }),
  )
  const write = (parts: readonly (string | { name: string; kind: ValueKind })[]): string =>
    parts
      .map(one => (typeof one === 'string' ? one : `\${${one.name}${one.kind === 'safe' ? '' : `:${one.kind}`}}`))
      .join('')

  test('a pattern that parses has at most one reading, and that is the match', () => {
    let matches = 0
    checkProperty(
      'matchPattern agrees with trying every reading',
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', '1', '-', '.', 'b'), maxLength: 4 }), {
          minLength: 5,
          maxLength: 5,
        }),
        fc.option(fc.string({ unit: fc.constantFrom('a', '1', '-', '/', '.'), maxLength: 10 })),
        (parts, values, free) => {
          const pattern = parse(write(parts))
          if (!pattern.ok) return
          const text = free ?? parts.map((one, index) => (typeof one === 'string' ? one : values[index])).join('')
          const all = readings(parts, text)
          const found = matchPattern(pattern.value, text, defaultAlphabet)
          expect(all.length).toBeLessThanOrEqual(1)
          expect(found.kind === 'match' ? Object.fromEntries(found.captures) : undefined).toEqual(
            all[0] === undefined ? undefined : Object.fromEntries(all[0]),
          )
          const loose = new RegExp(
            `^${parts.map(one => (typeof one === 'string' ? one.replaceAll('.', '\\.') : '.*')).join('')}$`,
            's',
          )
          expect(found.kind === 'no-match').toBe(!loose.test(text))
          if (found.kind === 'match') matches += 1
        },
      ),
    )
    expect(matches).toBeGreaterThan(0)
  })
})
