/** `*.test.yaml` of a policy set: what must and must not be possible. A set whose own tests fail is not loaded. Pure. */
import { problemCodes } from '../problem-codes.ts'
import {
  type FieldName,
  type FieldTable,
  type FieldValue,
  fieldNames,
  type PolicyTest,
  type TestAction,
} from './model.ts'
import { Names } from './names.ts'
import { didYouMean } from './nearest-name.ts'
import type { Entry, Node, Text } from './node.ts'
import { type ClaimDraft, claimsShape } from './read-claims.ts'
import type { Report } from './report.ts'
import {
  choice,
  type JsonSchema,
  list,
  name,
  node,
  object,
  oneOrList,
  optional,
  required,
  scalarTypes,
  text,
  unknownKey,
  wholeNumber,
  yesOrNo,
} from './shape.ts'
import { parseTopicFilter, parseTopicName } from './topic.ts'

/** A test as far as it could be read; `identity` and the captures keep their places for the cross checks. */
export interface TestDraft {
  readonly test: PolicyTest
  readonly issuer: Text | undefined
  readonly short: { readonly identity: Text; readonly captures: ReadonlyMap<string, Text> } | undefined
}

const topic = text('a topic')
const action = object('an action', {
  publish: optional(topic, 'a topic name to publish to'),
  subscribe: optional(topic, 'a topic filter to subscribe to'),
  receive: optional(topic, 'a topic name to be sent'),
  will: optional(topic, 'a topic name of a will'),
  qos: optional(
    choice(
      new Map([
        ['0', 0],
        ['1', 1],
        ['2', 2],
      ] as const),
    ),
    'QoS; 0 if absent',
  ),
  retain: optional(yesOrNo, 'the retain flag of a publish or will; false if absent'),
  payloadBytes: optional(wholeNumber(0, 268_435_455), 'size of the payload of a publish or will; 0 if absent'),
})
const verbs = ['publish', 'subscribe', 'receive', 'will'] as const

const asSchema: JsonSchema = {
  type: 'object',
  description: 'certificate fields, or `identity` and its captures',
  minProperties: 1,
  additionalProperties: { anyOf: [{ type: scalarTypes }, { type: 'array', items: { type: scalarTypes } }] },
}

const test = object('a test', {
  name: required(text('a name of the test'), 'what the test shows, in a few words'),
  as: required(node(asSchema), 'who acts: certificate fields, or `identity` and its captures'),
  clientId: optional(
    text('a client id'),
    'the client id that it connects with; absent: the one that its identity gives',
  ),
  can: optional(list(action, 'a list of actions', 1), 'what must be permitted'),
  cannot: optional(list(action, 'a list of actions', 1), 'what must be refused'),
  refused: optional(text('a code'), 'the code that connecting must be refused with'),
})
const tests = list(test, 'a list of tests')

const file = object('a test file', {
  portcullis: optional(choice(new Map([['1', 1]])), 'version of the language'),
  tests: optional(tests, 'what must and must not be possible'),
  claims: optional(claimsShape, 'what is proved for every identity that there can be'),
})

export const testFileSchema: JsonSchema = file.schema

type GivenTest = NonNullable<ReturnType<typeof test.read>>

export interface TestFiles {
  readonly tests: readonly TestDraft[]
  readonly claims: readonly ClaimDraft[]
}

/** The tests and claims of all test files. */
export function readTests(roots: readonly Node[], report: Report): TestFiles {
  const claims: ClaimDraft[] = []
  const names = new Names<TestDraft>('test', report)
  for (const root of roots) {
    const read = file.read(root, report)
    if (read === undefined) continue
    if (!read.has('tests') && !read.has('claims') && !read.misspelt)
      report.add(
        'policy/missing-key',
        'a test file lacks `tests` or `claims`',
        read.where,
        'write tests or claims, or delete the file',
      )
    claims.push(...(read.value.claims ?? []))
    for (const given of read.value.tests ?? []) {
      const draft = readTest(given, report)
      if (given.value.name !== undefined) names.define(given.value.name, draft)
    }
  }
  return { tests: names.values(), claims }
}

function readTest(given: GivenTest, report: Report): TestDraft | undefined {
  const { value, has } = given
  if (!has('can') && !has('cannot') && !has('refused') && !given.misspelt)
    report.add(
      'policy/missing-key',
      'a test lacks `can`, `cannot` or `refused`',
      given.where,
      'say what must or must not be possible',
    )
  if (has('refused') && (has('can') || has('cannot')))
    report.add(
      'policy/refused-and-can',
      'a test expects a refusal and also actions',
      given.at('refused'),
      'who is refused does nothing: make two tests of it',
    )
  if (value.refused !== undefined && !Object.hasOwn(problemCodes, value.refused.text)) {
    report.add(
      'policy/bad-value',
      `\`${value.refused.text}\` is not a code of a refusal`,
      value.refused.where,
      didYouMean(
        value.refused.text,
        Object.keys(problemCodes).filter(code => /^(accept|authenticate|bind)\//.test(code)),
        'codes',
      ),
    )
  }
  const who = value.as === undefined ? undefined : readWho(value.as, report)
  if (who === undefined || value.name === undefined) return undefined
  return {
    test: {
      name: value.name.text,
      as: who.as,
      clientId: value.clientId?.text,
      can: (value.can ?? []).flatMap(one => readAction(one, report) ?? []),
      cannot: (value.cannot ?? []).flatMap(one => readAction(one, report) ?? []),
      refused: value.refused && { code: value.refused.text, where: value.refused.where },
      where: value.name.where,
    },
    issuer: who.issuer,
    short: who.short,
  }
}

interface Who {
  readonly as: PolicyTest['as']
  readonly issuer: TestDraft['issuer']
  readonly short: TestDraft['short']
}

function readWho(given: Node, report: Report): Who | undefined {
  if (given.kind !== 'map' || given.entries.length === 0) {
    if (given.kind !== 'broken')
      report.add(
        'policy/wrong-shape',
        'expected certificate fields, or an identity and its captures',
        given.where,
        'for example { identity: device, site: s1, device: pump-7 }',
      )
    return undefined
  }
  return given.entries.some(entry => entry.key.text === 'identity')
    ? shortForm(given.entries, report)
    : fieldForm(given.entries, report)
}

function shortForm(entries: readonly Entry[], report: Report): Who | undefined {
  const values = new Map<string, Text>()
  for (const { key, value } of entries) {
    const read = text('a value').read(value, report)
    if (read === undefined) return undefined
    values.set(key.text, read)
  }
  const identity = values.get('identity')
  values.delete('identity')
  if (identity === undefined) return undefined
  const captures = new Map([...values].map(([key, value]) => [key, value.text]))
  return {
    as: { kind: 'identity', identity: identity.text, captures },
    issuer: undefined,
    short: { identity, captures: values },
  }
}

function fieldForm(entries: readonly Entry[], report: Report): Who | undefined {
  const values = new Map<FieldName, readonly FieldValue[]>()
  let issuer: Text | undefined
  for (const { key, value } of entries) {
    if (key.text === 'issuer') {
      issuer = name('a name of an issuer').read(value, report)
      continue
    }
    const field = fieldNames.find(one => one === key.text)
    if (field === undefined) {
      unknownKey(key, ['identity', 'issuer', ...fieldNames], report)
      continue
    }
    const read = oneOrList(text('a value'), 'a value or a list of values').read(value, report)
    if (read !== undefined)
      values.set(
        field,
        read.map(one => fieldValue(field, one.text)),
      )
  }
  const table: FieldTable = { issuer: issuer?.text, values }
  return { as: { kind: 'fields', table }, issuer, short: undefined }
}

/** What a well-made certificate has: UTF8String, and IA5String for names in the SAN. */
function fieldValue(field: FieldName, given: string): FieldValue {
  return { text: given, stringType: field.startsWith('san.') ? 'ia5' : 'utf8', inMultiValuedRdn: false }
}

function readAction(given: NonNullable<ReturnType<typeof action.read>>, report: Report): TestAction | undefined {
  const [verb, second] = verbs.filter(one => given.has(one))
  if (verb === undefined) {
    if (!given.misspelt)
      report.add(
        'policy/missing-key',
        'an action lacks `publish`, `subscribe`, `receive` or `will`',
        given.where,
        'an action names one of them',
      )
    return undefined
  }
  if (second !== undefined)
    report.add(
      'policy/two-actions',
      `an action has both \`${verb}\` and \`${second}\``,
      given.at(second),
      'make two entries of it',
    )
  for (const condition of ['retain', 'payloadBytes'] as const) {
    if (given.has(condition) && (verb === 'subscribe' || verb === 'receive'))
      report.add(
        'policy/condition-not-applicable',
        `\`${condition}\` does not apply to ${verb}`,
        given.at(condition),
        'only a publish or a will has it',
      )
  }
  const target = given.value[verb]
  if (target === undefined) return undefined
  const parsed = verb === 'subscribe' ? parseShared(target.text) : parseTopicName(target.text)
  if (!parsed.ok) {
    report.take(
      parsed.problem,
      target.where,
      verb === 'subscribe'
        ? '`+` fills a whole level, and `#` is the last one'
        : 'name one topic: wildcards belong to `subscribe`',
    )
    return undefined
  }
  const { qos, retain, payloadBytes } = given.value
  return {
    verb,
    topic: target.text,
    qos: qos ?? 0,
    retain: retain ?? false,
    payloadBytes: payloadBytes ?? 0,
    where: given.at(verb),
  }
}

/** A test may subscribe to `$share/GROUP/FILTER`; what counts is the filter. */
function parseShared(filter: string): ReturnType<typeof parseTopicFilter> {
  const shared = /^\$share\/[^/+#]+\/(.+)$/s.exec(filter)
  return parseTopicFilter(shared?.[1] ?? filter)
}
