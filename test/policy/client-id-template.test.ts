import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isRenderable,
  matchClientId,
  parseClientIdTemplate,
  renderClientId,
  templateHasFree,
  templateVariables,
} from '../../src/policy/client-id-template.ts'
import { defaultAlphabet, isSafeValue } from '../../src/policy/safe-value.ts'
import { must, problemOf } from '../support/policy-set.ts'
import { checkProperty } from '../support/property.ts'

const where = { file: 'plant.yaml', line: 3, column: 9 }
const parse = (text: string) => parseClientIdTemplate(text, where, defaultAlphabet)
const match = (template: string, values: Record<string, string>, presented: string): boolean =>
  matchClientId(must(parse(template)), new Map(Object.entries(values)), presented, defaultAlphabet)

describe('parsing', () => {
  test('tells variables and + apart', () => {
    const template = must(parse('${site}/${name}/+'))
    expect(templateVariables(template)).toEqual(['site', 'name'])
    expect(templateHasFree(template)).toBe(true)
    expect(templateHasFree(must(parse('${name}')))).toBe(false)
  })

  test.each(['${a}+', '+${a}', '++', '${a}-+', '${a}${b}', '${site}-${device}', '+-+'])('%s is ambiguous', text => {
    expect(problemOf(parse(text))).toMatchObject({ code: 'policy/ambiguous-capture', where })
  })

  test.each(['${a}/+', '+/${a}', '+/+', '${a:alnum}-+', '${a}', 'gateway', '${site:alnum}-${device}'])(
    '%s has one reading',
    text => {
      expect(parse(text).ok).toBe(true)
    },
  )

  test('a broken variable is no template', () => {
    expect(problemOf(parse('${Name}/+')).code).toBe('policy/bad-pattern')
  })
})

describe('matching', () => {
  test.each([
    ['${d}', { d: 'pump-7' }, 'pump-7'],
    ['${n}/+', { n: 'ops-1' }, 'ops-1/laptop'],
    ['+/${n}', { n: 'ops-1' }, 'ops-1/ops-1'],
    ['${s:alnum}-${d}', { s: 's1', d: 'pump-7' }, 's1-pump-7'],
    ['+/+', {}, 'a/b'],
    ['broker', {}, 'broker'],
  ])('%s of %j is %s', (template, values, presented) => {
    expect(match(template, values as Record<string, string>, presented)).toBe(true)
  })

  const hostile = [
    '',
    'pump-8',
    'pump-7 ',
    ' pump-7',
    'PUMP-7',
    'pump-7\0',
    'pump-70',
    'pump-',
    'pump‐7',
    'pump-7/x',
    '+',
    '#',
    '${d}',
  ]
  test.each(hostile)('%j is not pump-7', presented => {
    expect(match('${d}', { d: 'pump-7' }, presented)).toBe(false)
  })

  test.each([
    'ops-1',
    'ops-1/',
    'ops-1//',
    'ops-1/a/b',
    'ops-1/.a',
    'ops-1/-a',
    'ops-1/+',
    'ops-1/#',
    'ops-1/a b',
    'ops-2/a',
    `ops-1/${'a'.repeat(65)}`,
  ])('%s is not ops-1/+', presented => {
    expect(match('${n}/+', { n: 'ops-1' }, presented)).toBe(false)
  })

  test('a value that is not of the kind of its variable has no client id: a-b and c would else be a and b-c', () => {
    expect(match('${s:alnum}-${d}', { s: 'a', d: 'b-c' }, 'a-b-c')).toBe(true)
    expect(match('${s:alnum}-${d}', { s: 'a-b', d: 'c' }, 'a-b-c')).toBe(false)
    expect(isRenderable(must(parse('${s:alnum}')), new Map([['s', 'a-b']]), defaultAlphabet)).toBe(false)
  })

  test('a megabyte costs no time', () => {
    const before = performance.now()
    expect(match('${n}/+', { n: 'ops-1' }, `ops-1/${'a'.repeat(1_000_000)}`)).toBe(false)
    expect(performance.now() - before).toBeLessThan(200)
  })

  test('a variable without a value is a mistake of the program', () => {
    expect(() => renderClientId(must(parse('${n}')), new Map(), '')).toThrow('client-id variable n has no value')
  })

  test('what is rendered is matched, and nothing that differs in the values', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '/', '+'), maxLength: 3 })
    checkProperty(
      'a client id is matched by the captures that it is rendered from, and by no others',
      fc.property(
        fc.constantFrom('${x}/${y}', '${x:alnum}-${y}', '${y}/${x}/+', 'z-${x}/${y}', '+/${x}/${y}'),
        value,
        value,
        value,
        value,
        (text, x, y, x2, y2) => {
          const template = must(parse(text))
          const [own, other] = [
            new Map([
              ['x', x],
              ['y', y],
            ]),
            new Map([
              ['x', x2],
              ['y', y2],
            ]),
          ]
          const areSafe = [own, other].every(one => [...one.values()].every(v => isSafeValue(v, defaultAlphabet)))
          if (!areSafe || !isRenderable(template, own, defaultAlphabet)) return
          const id = renderClientId(template, own, 'free')
          expect(matchClientId(template, own, id, defaultAlphabet)).toBe(true)
          expect(matchClientId(template, other, id, defaultAlphabet)).toBe(x === x2 && y === y2)
        },
      ),
    )
  })
})
