/** Random rules, and holders whose values are equal to literals and to each other far more often than in life. */
import fc from 'fast-check'
import type { PublishFacts, Qos } from '../../src/decide/decision.ts'
import { parseFilterTemplate } from '../../src/policy/filter-template.ts'
import type { PolicySet, RightsHolder, Rule } from '../../src/policy/model.ts'
import { parseTopicFilter, parseTopicName, type TopicFilter, type TopicName } from '../../src/policy/topic.ts'
import { setOf } from '../support/policy-set.ts'

/** What rules, values and questions are made of. */
interface Alphabet {
  readonly first: readonly string[]
  readonly rest: readonly string[]
  /** Most levels after the first, the last one aside. */
  readonly depth: number
  /** What values of variables are. */
  readonly values: readonly string[]
  /** Levels of topics. */
  readonly words: readonly string[]
}

const every = ['${x}', '${y}', '${l}', '${m}', '${c}', '${k}']
const literals = ['a', 'b', 'ab', '', 'ä', '日本']

const alphabets: readonly Alphabet[] = [
  {
    first: [...literals, '$a', '$SYS', '+', ...every],
    rest: [...literals, '+', '+', ...every, ...every],
    depth: 3,
    values: ['a', 'b', 'ab', 'ä', 'v', 'w', '日'],
    words: [...literals, 'v', 'w', '日', '$x', 'fresh', 'c', 'h', 'abc'],
  },
  // so few that several variables stand beside each other with the same value
  {
    first: ['a'],
    rest: ['a', '+', '${x}', '${y}', '${l}', '${m}', '${l}', '${m}'],
    depth: 2,
    values: ['a', 'v', 'w'],
    words: ['a', 'v', 'w', 'z'],
  },
  // what is near the topic of no characters, and splits by length
  { first: ['', '+', 'a'], rest: ['', '+', '+', 'a'], depth: 2, values: ['a', 'v'], words: ['', 'a', 'v'] },
]

const path = (first: readonly string[], rest: readonly string[], depth: number, last: readonly string[]) =>
  fc
    .tuple(
      fc.constantFrom(...first),
      fc.array(fc.constantFrom(...rest), { maxLength: depth }),
      fc.option(fc.constantFrom(...last), { nil: undefined, freq: 3 }),
    )
    .map(([one, some, end]) => [one, ...some, ...(end === undefined ? [] : [end])].join('/'))

const where = (line: number): Rule['where'] => ({ file: 'p.yaml', line, column: 1 })

const partsOf = ({ first, rest, depth }: Alphabet) =>
  fc.record({
    action: fc.constantFrom<Rule['action']>('publish', 'subscribe', 'subscribe', 'receive'),
    isDeny: fc.boolean(),
    filters: fc.array(
      fc.oneof(
        { arbitrary: path(first, rest, depth, ['#', '+']), weight: 9 },
        fc.constantFrom('#', '/#', '+/#', '/+', '$a/#'),
      ),
      {
        minLength: 1,
        maxLength: 2,
      },
    ),
    maxQos: fc.constantFrom(undefined, undefined, 0 as const, 1 as const, 2 as const),
    maxPayloadBytes: fc.constantFrom(undefined, undefined, 5),
    retain: fc.constantFrom(undefined, undefined, true, false),
    share: fc.constantFrom(undefined, undefined, undefined, ['g']),
  })

type RuleParts = ReturnType<typeof partsOf> extends fc.Arbitrary<infer T> ? T : never

/** A rule that the language would accept; undefined where one of its filters is none. */
function makeRule(parts: RuleParts, line: number): Rule | undefined {
  const { action, isDeny, maxQos, maxPayloadBytes, retain, share } = parts
  const effect = isDeny || action === 'receive' ? 'deny' : 'allow'
  const filters = parts.filters.map(text => parseFilterTemplate(text, where(line)))
  if (filters.some(filter => !filter.ok)) return undefined
  return {
    role: 'r',
    effect,
    action,
    filters: filters.flatMap(filter => (filter.ok ? [filter.value] : [])),
    where: where(line),
    ...(maxQos !== undefined && effect === 'allow' ? { maxQos } : {}),
    ...(maxPayloadBytes !== undefined && effect === 'allow' && action === 'publish' ? { maxPayloadBytes } : {}),
    ...(retain !== undefined && action === 'publish' ? { retain } : {}),
    ...(share !== undefined && action === 'subscribe' && effect === 'allow' ? { share } : {}),
  }
}

const base = setOf(
  'identities:\n  d: { from: { subject.cn: "${n}" }, clientId: "${n}", roles: [r] }\nroles:\n  r: {}\n',
)

interface SetOptions {
  readonly isNarrowing?: boolean
  readonly constants?: PolicySet['constants']
}

/** A policy set of these rules, half of them in each of two roles. */
export function setWith(rules: readonly Rule[], options: SetOptions = {}): PolicySet {
  const half = rules.length >> 1
  const role = (name: string, some: readonly Rule[]) => [name, { name, rules: some, where: where(1) }] as const
  return {
    ...base,
    constants: options.constants ?? new Map(),
    settings: { ...base.settings, onBroadSubscribe: options.isNarrowing === true ? 'narrow' : 'refuse' },
    roles: new Map([role('r', rules.slice(0, half)), role('s', rules.slice(half))]),
  }
}

/** Somebody with both roles. */
export function holderWith(variables: Readonly<Record<string, readonly string[]>>): RightsHolder {
  return {
    identity: { kind: 'd', captures: new Map() },
    roles: ['r', 's'],
    variables: new Map(Object.entries(variables)),
  }
}

interface Question {
  readonly topic: TopicName
  readonly filter: TopicFilter
  readonly facts: PublishFacts
  readonly qos: Qos
}

interface World {
  readonly set: PolicySet
  /** Two sessions, so that what they share is seen to be shared rightly. */
  readonly holders: readonly RightsHolder[]
  readonly questions: readonly Question[]
}

function worldOf(alphabet: Alphabet): fc.Arbitrary<World> {
  const value = fc.constantFrom(...alphabet.values)
  const list = fc.uniqueArray(value, { maxLength: 3 })
  // more than are compared one by one
  const longList = list.map(some => (some.length === 0 ? some : [...some, ...'cdefghij']))
  const holder = fc.record({
    x: value,
    y: value,
    l: list,
    m: fc.oneof(list, list, longList),
    isShadowing: fc.boolean(),
  })
  return fc
    .record({
      rules: fc.array(partsOf(alphabet), { maxLength: 9 }),
      constants: fc.record({ c: list, k: value }),
      isNarrowing: fc.boolean(),
      holders: fc.tuple(holder, holder),
      questions: fc.array(questionOf(alphabet), { minLength: 3, maxLength: 6 }),
    })
    .map(({ rules, constants, isNarrowing, holders, questions }) => ({
      set: setWith(
        rules.flatMap((parts, index) => makeRule(parts, index + 1) ?? []),
        { isNarrowing, constants: new Map(Object.entries(constants)) },
      ),
      holders: holders.map(({ x, y, l, m, isShadowing }) =>
        holderWith({ x: [x], y: [y], l, m, c: isShadowing ? [x] : constants.c, k: [constants.k] }),
      ),
      questions,
    }))
}

function questionOf({ first, words, depth }: Alphabet): fc.Arbitrary<Question> {
  const starts = first.filter(level => !level.includes('{') && level !== '+')
  return fc.record({
    topic: path([...starts, ...words], words, depth, words)
      .filter(text => parseTopicName(text).ok)
      .map(text => text as TopicName),
    filter: path([...starts, '+', '#'], [...words, '+', '+'], depth, ['#', '#', '+'])
      .filter(text => parseTopicFilter(text).ok)
      .map(text => text as TopicFilter),
    facts: fc.record({
      qos: fc.constantFrom<Qos>(0, 1, 2),
      retain: fc.boolean(),
      payloadBytes: fc.constantFrom(0, 5, 6),
    }),
    qos: fc.constantFrom<Qos>(0, 1, 2),
  })
}

export const anyWorld: fc.Arbitrary<World> = fc.oneof(...alphabets.map(worldOf))
