import { describe, expect, test } from 'vitest'
import { buildAutomaton } from '../../src/decide/automaton.ts'
import { compileRights } from '../../src/decide/compile-rights.ts'
import type { ByteRights, Qos } from '../../src/decide/decision.ts'
import { buildTrie } from '../../src/decide/filter-trie.ts'
import { programFor } from '../../src/decide/program.ts'
import { grantsOf, makeRoleSet } from '../../src/decide/role-set.ts'
import { patternOf, plainPattern } from '../../src/decide/slot-pattern.ts'
import { slotValue } from '../../src/decide/slot-value.ts'
import { parseFilterTemplate } from '../../src/policy/filter-template.ts'
import type { PolicySet, RightsHolder, Rule } from '../../src/policy/model.ts'
import { parseTopicFilter, parseTopicName } from '../../src/policy/topic.ts'
import { must } from '../support/policy-set.ts'
import { holderWith, setWith } from './any-rights.ts'
import { LinearRights } from './linear-rights.ts'

type Shape = Partial<Pick<Rule, 'action' | 'effect' | 'retain'>>

const rule = (text: string, line: number, shape: Shape = {}): Rule => {
  const where = { file: 'p.yaml', line }
  const filters = [must(parseFilterTemplate(text, where))]
  return { role: 'r', effect: 'allow', action: 'publish', filters, where, ...shape }
}

const facts = { qos: 0 as Qos, retain: false, payloadBytes: 0 }
const nobody = holderWith({})

/** Whether compiled decisions are those of a linear search, for these topics, with the deciding rule. */
function expectExact(set: PolicySet, holder: RightsHolder, topics: readonly string[]): ByteRights {
  const rights = must(compileRights(set, holder))
  const linear = new LinearRights(set, holder)
  for (const text of topics) {
    const topic = must(parseTopicName(text))
    const bytes = Buffer.from(text)
    const expected = linear.publish(topic, facts)
    const decisions = [rights.publish(topic, facts), rights.publishBytes(bytes, 0, bytes.length, facts)]
    for (const { effect, rules } of decisions)
      expect([text, effect, rules]).toEqual([text, expected.effect, expected.rules])
  }
  return rights
}

/** Random numbers that are the same every time. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

describe('a set whose automaton would be too large', () => {
  // the n-th last of many levels: an automaton must remember which of the last levels were `x`
  const random = seeded(7)
  const deep = Array.from({ length: 400 }, (_, index) => {
    const levels = Array.from({ length: 24 }, () => ['+', '+', 'x', 'y'][random(4)])
    return rule(levels.join('/'), index + 1, index % 5 === 0 ? { effect: 'deny' } : {})
  })
  const topics = Array.from({ length: 300 }, (_, index) =>
    (index % 2 === 0 ? ((deep[random(400)] as Rule).filters[0]?.text ?? '') : Array(24).fill('+').join('/'))
      .split('/')
      .map(level => (level === '+' ? (['x', 'y', 'z'][random(3)] as string) : level))
      .join('/'),
  )

  test('is not made into one', () => {
    const { grants } = makeRoleSet(grantsOf(setWith(deep), ['r', 's']), new Map())
    const trie = buildTrie(
      grants.filter(one => one.rule.effect === 'allow'),
      grants.filter(one => one.rule.effect === 'deny'),
      new Map(),
    )
    expect(buildAutomaton(trie, plainPattern, () => false)).toBeUndefined()
  })

  test('is decided exactly all the same', () => {
    expectExact(setWith(deep), nobody, topics)
  })
})

describe('literals', () => {
  test('that begin alike, or are many, are told apart', () => {
    const names = [
      'a',
      'aa',
      'ab',
      'abc',
      'abcd',
      'b',
      ...Array.from({ length: 300 }, (_, n) => `n${n}`),
      'ä',
      'äa',
      '日',
      '本',
      '\u{1f600}',
      '\u{1f601}',
    ]
    const many = Array.from({ length: 90 }, (_, n) => String.fromCodePoint(0x4e00 + 97 * n))
    const all = [...names, ...many]
    const rules = all.map((name, index) => rule(`p/${name}/q`, index + 1))
    const topics = all.flatMap(name => [
      `p/${name}/q`,
      `p/${name}`,
      `p/${name}x/q`,
      `p/${name.slice(0, -1)}/q`,
      `p/${name}/q/r`,
    ])
    expectExact(
      setWith(rules),
      nobody,
      [...topics, 'p', 'p/', 'p//q'].filter(text => parseTopicName(text).ok),
    )
  })

  test('are read through several levels at once only where nothing else can come', () => {
    const rules = ['a/b/c/d', 'a/b/c', 'x/y/z/#', 'x/y/+/w', 'q//r/', 'q//r//s', '/t/u'].map((text, index) =>
      rule(text, index + 1),
    )
    const topics = [
      'a',
      'a/b',
      'a/b/c',
      'a/b/c/d',
      'a/b/c/d/e',
      'a/bc',
      'a/b/',
      'x/y',
      'x/y/z',
      'x/y/z/w',
      'x/y/k/w',
      'x/y/k',
    ]
    expectExact(setWith(rules), nobody, [...topics, 'q//r/', 'q//r', 'q//r//s', 'q/r', '/t/u', 't/u', '//t/u', '/'])
  })

  test('of which each leads to the next are read at any depth', () => {
    const ladder = Array.from({ length: 300 }, (_, depth) =>
      Array(depth + 1)
        .fill('a')
        .join('/'),
    )
    const rules = ladder.map((text, index) => rule(text, index + 1, index % 7 === 3 ? { effect: 'deny' } : {}))
    const beside = ladder.map(text => `${text}/b`)
    expectExact(setWith(rules), nobody, [...ladder, ...beside, `${ladder.at(-1)}/a`])
  })

  test('of a filter as deep as there can be do no harm', () => {
    const deep = Array(20_000).fill('a').join('/')
    const set = setWith([rule(`${deep}/+`, 1), rule(`+/${deep}`, 2)])
    const rights = expectExact(set, nobody, [`${deep}/b`, `b/${deep}`, deep, `${deep}/a/a`])
    expect(rights.subscribe(must(parseTopicFilter(`${deep}/#`)), 0).effect).toBe('refuse')
  })
})

describe('values of an identity', () => {
  const rules = [
    rule('p/${x}/own', 1),
    rule('p/secret/+', 2, { effect: 'deny' }),
    rule('p/${y}/other', 3),
    rule('p/+/shared', 4),
    rule('${x}/${y}', 5),
  ]
  const topics = ['v', 'w', 'secret'].flatMap(one => [
    ...['own', 'other', 'shared'].map(leaf => `p/${one}/${leaf}`),
    ...['v', 'w', 'secret'].map(two => `${one}/${two}`),
  ])

  test.each([
    ['are like nothing else', 'v', 'w'],
    ['are a literal of a deny', 'secret', 'w'],
    ['are the same', 'v', 'v'],
    ['are the same literal', 'secret', 'secret'],
  ])('that %s', (_, x, y) => {
    expectExact(setWith(rules), holderWith({ x: [x], y: [y] }), topics)
  })

  test('have one automaton for all that are like nothing else, and another where they are equal to something', () => {
    const roleSet = makeRoleSet(grantsOf(setWith(rules), ['r', 's']), new Map())
    const programOf = (x: string, y: string) =>
      programFor(roleSet, patternOf(roleSet.meetings, [slotValue([x]), slotValue([y])]), false)
    expect(programOf('pump-1', 's1')).toBe(programOf('pump-2', 's2'))
    expect(programOf('secret', 's1')).toBe(programOf('secret', 's2'))
    expect(programOf('secret', 's1')).not.toBe(programOf('pump-1', 's1'))
    expect(programOf('same', 'same')).not.toBe(programOf('pump-1', 's1'))
  })

  test('that are equal to one literal after another do not make automata without end', () => {
    const literals = Array.from({ length: 400 }, (_, index) => `s${index}`)
    const set = setWith([...literals.map((text, index) => rule(`p/${text}/+`, index + 1)), rule('p/${x}/#', 1000)])
    const roleSet = makeRoleSet(grantsOf(set, ['r', 's']), new Map())
    for (const text of literals) programFor(roleSet, patternOf(roleSet.meetings, [slotValue([text])]), false)
    expect(roleSet.programs.size).toBeLessThanOrEqual(258)
    for (const text of ['s0', 's399']) {
      expectExact(set, holderWith({ x: [text] }), ['p/s0', 'p/s0/a', 'p/s0/a/b', 'p/s399', 'p/s399/a', 'p/s399/a/b'])
    }
  })

  test.each(['', 'a/b', '+', '#', '$a', 'a\u0000'])('that are more than a literal level are never bound: %j', value => {
    const set = setWith([rule('p/${x}', 1), rule('p/${l}', 2)])
    expect(() => compileRights(set, holderWith({ x: [value], l: [] }))).toThrow(TypeError)
    expect(() => compileRights(set, holderWith({ x: ['v'], l: ['v', value] }))).toThrow(TypeError)
  })
})

describe('what sessions share', () => {
  test('a permit is one frozen object for each rule', () => {
    const set = setWith([rule('p/${x}/#', 1), rule('q/#', 2)])
    const one = must(compileRights(set, holderWith({ x: ['v'] }))).publish(must(parseTopicName('p/v')), facts)
    const two = must(compileRights(set, holderWith({ x: ['w'] }))).publish(must(parseTopicName('p/w/a')), facts)
    expect(one).toBe(two)
    expect(Object.isFrozen(one) && Object.isFrozen(one.rules)).toBe(true)
  })

  test('many role sets are forgotten in time, and sessions keep theirs', () => {
    const set = setWith([rule('p/${x}', 1)])
    const first = must(compileRights(set, { ...holderWith({ x: ['v'] }), roles: ['r', 's', 'unknown'] }))
    for (let index = 0; index < 1100; index += 1) {
      must(compileRights(set, { ...holderWith({ x: ['v'] }), roles: ['r', 's', `other-${index}`] }))
    }
    expect(first.publish(must(parseTopicName('p/v')), facts).effect).toBe('permit')
  })

  test('constants with more combinations than a session may have filters are not put in', () => {
    const some = Array.from({ length: 200 }, (_, index) => `c${index}`)
    const constants = new Map([
      ['c', some],
      ['d', some],
    ])
    const set = setWith([rule('${c}/${d}/${l}', 1)], { constants })
    const none = must(compileRights(set, holderWith({ c: some, d: some, l: [] })))
    expect(none.publish(must(parseTopicName('c1/c2/x')), facts).effect).toBe('refuse')
    expect(compileRights(set, holderWith({ c: some, d: some, l: ['x'] }))).toMatchObject({
      problem: { code: 'decide/too-many-rules' },
    })
  })
})
