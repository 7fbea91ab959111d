/** A draft as policy files: roles, and tests made of what was seen. Every text from the log is quoted. Pure. */
import { levelText } from '../../policy/filter-template.ts'
import type { Shape } from './traffic.ts'

/** YAML reads a text in JSON's quotes as JSON does. */
const quoted = (text: string): string => JSON.stringify(text)
const leastPayloadBytes = 64

/** The role that a draft gives to an identity. */
export function draftedRole(kind: string): string {
  return `${kind}-drafted`
}

/** Room for twice of what was seen. */
function roomFor(bytes: number): number {
  return Math.max(leastPayloadBytes, 2 ** Math.ceil(Math.log2(2 * Math.max(1, bytes))))
}

function conditionsOf({ action, maxQos, isRetained, isUnretained, payloadBytes }: Shape): readonly string[] {
  const qos = maxQos < 2 ? [`maxQos: ${maxQos}`] : []
  if (action === 'subscribe') return qos
  return [
    ...qos,
    ...(isRetained && isUnretained ? [] : [`retain: ${isRetained}`]),
    ...(payloadBytes === undefined ? [] : [`maxPayloadBytes: ${roomFor(payloadBytes)}`]),
  ]
}

export function roleLines(kind: string, rules: readonly Shape[]): readonly string[] {
  return [
    `  ${draftedRole(kind)}:`,
    '    allow:',
    ...rules.flatMap(rule => [
      `      # seen ${rule.count} times, of ${rule.by.size}`,
      `      - ${rule.action}: ${quoted(rule.levels.map(levelText).join('/'))}`,
      ...conditionsOf(rule).map(line => `        ${line}`),
    ]),
  ]
}

/** The rules of all kinds, as one file. */
export function rolesText(rules: readonly Shape[]): string {
  const kinds = [...new Set(rules.map(({ kind }) => kind))]
  return [
    'portcullis: 1',
    '# Drafted from recorded traffic, for a person to edit: it says what was done, not what ought to be.',
    'roles:',
    ...kinds.flatMap(kind =>
      roleLines(
        kind,
        rules.filter(rule => rule.kind === kind),
      ),
    ),
    '',
  ].join('\n')
}

/** Somebody's test: what it did, and the same with the values of another, where that must be refused. */
export interface DraftTest {
  readonly rule: Shape
  /** The topic with another one's values. */
  readonly forbidden: string | undefined
}

export function testsText(tests: readonly DraftTest[]): string {
  return ['tests:', ...tests.flatMap(testLines), ''].join('\n')
}

function testLines({ rule, forbidden }: DraftTest, index: number): readonly string[] {
  const { kind, action, sample } = rule
  const { topic, qos = 0, retain = false, payloadBytes = 0 } = sample.action
  const who = [...sample.captures].map(([name, value]) => `${name}: ${quoted(value)}`)
  return [
    `  - name: ${quoted(`drafted ${index + 1}: ${kind} can ${action} ${rule.levels.map(levelText).join('/')}`)}`,
    `    as: { ${[`identity: ${kind}`, ...who].join(', ')} }`,
    ...(sample.clientId === undefined || /\p{C}/u.test(sample.clientId)
      ? []
      : [`    clientId: ${quoted(sample.clientId)}`]),
    `    can:`,
    `      - ${action}: ${quoted(topic)}`,
    `        qos: ${qos}`,
    ...(action === 'subscribe' ? [] : [`        retain: ${retain}`, `        payloadBytes: ${payloadBytes}`]),
    ...(forbidden === undefined ? [] : ['    cannot:', `      - ${action}: ${quoted(forbidden)}`]),
  ]
}
