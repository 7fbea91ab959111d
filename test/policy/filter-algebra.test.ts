import fc from 'fast-check'
import { expect, test } from 'vitest'
import { intersection, isCovered, matches, overlaps } from '../../src/policy/filter-algebra.ts'
import { parseTopicFilter, parseTopicName, type TopicFilter, type TopicName } from '../../src/policy/topic.ts'
import { referenceCovered, referenceMatches, referenceOverlaps } from '../reference/match.ts'
import { anyFilter, anyTopic } from '../support/arbitrary.ts'
import { must } from '../support/policy-set.ts'
import { checkProperty } from '../support/property.ts'

const filter = (text: string): TopicFilter => must(parseTopicFilter(text))
const topic = (text: string): TopicName => must(parseTopicName(text))

test.each([
  ['telemetry/#', 'telemetry', true],
  ['telemetry/#', 'telemetry/', true],
  ['a/+', 'a/', true],
  ['a/+', 'a', false],
  ['#', '$SYS/x', false],
  ['+/x', '$SYS/x', false],
  ['$SYS/#', '$SYS/x', true],
  ['a', 'A', false],
])('%s matches %s: %s', (f, t, expected) => {
  expect(matches(filter(f), topic(t))).toBe(expected)
})

test.each([
  ['a/#', ['a/+'], false],
  ['a/+', ['a/#'], true],
  ['a/#', ['a', 'a/+', 'a/+/+/#'], true],
  ['/#', ['/+/#'], true],
  ['#', ['+/#'], true],
  ['+/x', ['a/x', 'b/x'], false],
])('%s is covered by %j: %s', (f, union, expected) => {
  expect(isCovered(filter(f), union.map(filter))).toBe(expected)
})

test.each([
  ['a/#', 'a/secret/#', true],
  ['+', '/#', false],
  ['#', '$SYS/x', false],
  ['a/+/c', 'a/b/#', true],
])('%s meets %s: %s', (a, b, expected) => {
  expect(overlaps(filter(a), filter(b))).toBe(expected)
})

test('match agrees with the reference', () => {
  checkProperty(
    'match agrees with the reference',
    fc.property(anyFilter, anyTopic, (f, t) => matches(f, t) === referenceMatches(f, t)),
  )
})

test('inclusion agrees with listing all topics', () => {
  checkProperty(
    'inclusion agrees with listing all topics',
    fc.property(
      anyFilter,
      fc.array(anyFilter, { maxLength: 4 }),
      (f, union) => isCovered(f, union) === referenceCovered(f, union),
    ),
  )
})

test('overlap agrees with listing all topics, and is symmetric', () => {
  checkProperty(
    'overlap agrees with listing all topics',
    fc.property(
      anyFilter,
      anyFilter,
      (a, b) => overlaps(a, b) === referenceOverlaps(a, b) && overlaps(a, b) === overlaps(b, a),
    ),
  )
})

test.each([
  ['a/#', '+/b', 'a/b'],
  ['a/#', 'a', 'a'],
  ['a/+/#', 'a/#', 'a/+/#'],
  ['#', '$SYS/#', undefined],
  ['a/+', 'b/+', undefined],
  ['a/+/c/#', '+/b/#', 'a/b/c/#'],
])('%s and %s have %s in common', (a, b, expected) => {
  expect(intersection(filter(a), filter(b))).toBe(expected)
})

test('what two filters have in common agrees with listing all topics', () => {
  checkProperty(
    'intersection agrees with listing all topics',
    fc.property(anyFilter, anyFilter, anyTopic, (a, b, t) => {
      const both = intersection(a, b)
      return (both !== undefined && matches(both, t)) === (referenceMatches(a, t) && referenceMatches(b, t))
    }),
  )
})
