/** Lines of a log under a candidate set: what counts as a change, and what as not to be known. */
import { describe, expect, test } from 'vitest'
import type { LoggedDecision } from '../../../src/observe/read-log.ts'
import { Replay } from '../../../src/prove/replay/replay.ts'
import { replayDecision } from '../../../src/prove/replay/replay-decision.ts'
import { setOf } from '../../support/policy-set.ts'

const plant = `identities:
  device:
    from: { subject.cn: "\${device}" }
    clientId: "\${device}"
    roles: [own]
    mayAlsoHave: []
members:
  fleet: { of: device, by: [device], rows: [{ device: lost, roles: [], refused: stolen }] }
roles:
  own:
    allow:
      - { publish: "a/\${device}", maxQos: 1, maxPayloadBytes: 10, retain: false }
      - { publish: "b/\${device}" }
      - { subscribe: "c/\${device}/#" }
    deny:
      - { receive: "c/\${device}/d/#" }
`
const candidate = { set: setOf(plant), revision: 'new' }
const narrowing = { ...candidate, set: setOf(`${plant}settings: { onBroadSubscribe: narrow }\n`) }

const logged = (
  effect: 'permit' | 'refuse',
  action: LoggedDecision['action'],
  more: Partial<LoggedDecision> = {},
): LoggedDecision => ({
  ...{ line: 1, time: 'T', effect, identity: 'device', captures: new Map([['device', 'x']]), address: '', action },
  ...{ revision: 'old', ...(effect === 'refuse' ? { code: 'decide/no-rule' } : {}) },
  ...more,
})
const publish = (topic: string, qos?: number, retain?: boolean, payloadBytes?: number): LoggedDecision['action'] => ({
  ...{ verb: 'publish', topic },
  ...(qos === undefined ? {} : { qos }),
  ...(retain === undefined ? {} : { retain }),
  ...(payloadBytes === undefined ? {} : { payloadBytes }),
})
const subscribe = (topic: string, qos = 0): LoggedDecision['action'] => ({ verb: 'subscribe', topic, qos })

/** `same`, the change, or why it is unknown. */
function outcome(decision: LoggedDecision, under = candidate): string {
  const replayed = replayDecision(under, decision)
  if (replayed.kind === 'same') return 'same'
  return replayed.kind === 'changed' ? replayed.change : replayed.why
}

describe('one decision', () => {
  const will = { verb: 'will', topic: 'b/x', qos: 0, retain: false, payloadBytes: 0 } as const
  test.each<[string, string, LoggedDecision]>([
    ['a permit that stays', 'same', logged('permit', publish('a/x', 1, false, 10))],
    ['a byte too many', 'newly-refused', logged('permit', publish('a/x', 1, false, 11))],
    ['a refusal no more', 'newly-permitted', logged('refuse', publish('b/x', 2, true, 99))],
    ['size unknown, and it matters', 'missing-facts', logged('permit', publish('a/x', 1, false))],
    ['size unknown, but another condition fails', 'newly-refused', logged('permit', publish('a/x', 2, false))],
    ['retain unknown, and it matters', 'missing-facts', logged('refuse', publish('a/x', 0, undefined, 1))],
    ['nothing known, and nothing matters', 'same', logged('permit', publish('b/x'))],
    ['a delivery that is cut', 'newly-refused', logged('permit', { verb: 'receive', topic: 'c/x/d/1' })],
    ['a delivery', 'same', logged('permit', { verb: 'receive', topic: 'c/x/1' })],
    ['a client id', 'same', logged('permit', { verb: 'connect', topic: 'x' })],
    ['another client id', 'newly-refused', logged('permit', { verb: 'connect', topic: 'y' })],
    [
      'a client id that was refused',
      'newly-permitted',
      logged('refuse', { verb: 'connect', topic: 'x' }, { code: 'bind/client-id-mismatch' }),
    ],
    ['a will', 'newly-permitted', logged('refuse', will, { code: 'bind/will-refused', clientId: 'x' })],
    ['a will of who may not connect', 'same', logged('refuse', will, { code: 'bind/will-refused', clientId: 'y' })],
    [
      'shut out',
      'newly-refused',
      logged('permit', publish('b/lost', 0, false, 0), { captures: new Map([['device', 'lost']]) }),
    ],
    ['an identity that there is not', 'no-identity', logged('permit', publish('b/x'), { identity: 'robot' })],
    [
      'captures that there are not',
      'no-identity',
      logged('permit', publish('b/x'), { captures: new Map([['site', 's']]) }),
    ],
    [
      'a value that no certificate can have',
      'no-identity',
      logged('permit', publish('b/+'), { captures: new Map([['device', '+']]) }),
    ],
    ['a limit', 'not-policy', logged('refuse', publish('b/x', 0, true, 1), { code: 'enforce/too-many-retained' })],
    [
      'a session that is owned',
      'not-policy',
      logged('refuse', { verb: 'connect', topic: 'x' }, { code: 'bind/owned' }),
    ],
    ['a refusal without its reason', 'not-policy', logged('refuse', publish('b/x'), { code: 'nonsense' })],
    ['the same revision', 'beyond-policy', logged('refuse', publish('b/x', 0, false, 0), { revision: 'new' })],
    ['a topic that is none', 'newly-refused', logged('permit', publish('b/#', 0, false, 0))],
  ])('%s: %s', (_, expected, decision) => {
    expect(outcome(decision)).toBe(expected)
  })

  test('subscriptions: QoS and narrowing', () => {
    const lower = { ...candidate, set: setOf(plant.replace('c/${device}/#" }', 'c/${device}/#", maxQos: 0 }')) }
    expect(outcome(logged('permit', subscribe('c/x/#', 1)))).toBe('same')
    expect(outcome(logged('permit', subscribe('c/x/#', 1)), lower)).toBe('lower-qos')
    expect(outcome(logged('permit', subscribe('c/#')))).toBe('newly-refused')
    expect(outcome(logged('permit', subscribe('c/#')), narrowing)).toBe('narrowed')
    expect(outcome(logged('permit', subscribe('c/#'), { narrowed: true }), narrowing)).toBe('same')
    expect(outcome(logged('permit', subscribe('c/x/#'), { narrowed: true }))).toBe('not-narrowed')
  })
})

test('alike is one group with the first as its example, most frequent first', () => {
  const replay = new Replay(candidate)
  replay.add({ kind: 'decision', decision: logged('refuse', publish('b/x', 0, false, 0), { line: 1 }) })
  for (const line of [2, 3, 4])
    replay.add({ kind: 'decision', decision: logged('permit', publish('z', 0, false, 0), { line, rule: 'p:1:1' }) })
  replay.add({ kind: 'decision', decision: logged('permit', publish('z', 0, false, 0), { line: 5, rule: 'p:2:1' }) })
  replay.add({ kind: 'suppressed', count: 5 })
  replay.add({ kind: 'nobody', event: 'handshake-refused', code: '' })
  replay.add({ kind: 'other', event: 'disconnected' })
  const { groups, ...sums } = replay.summary()
  expect(
    groups.map(({ change, ruleThen, codeNow, count, example }) => [change, ruleThen, codeNow, count, example.line]),
  ).toEqual([
    ['newly-refused', 'p:1:1', 'decide/no-rule', 3, 2],
    ['newly-refused', 'p:2:1', 'decide/no-rule', 1, 5],
    ['newly-permitted', undefined, undefined, 1, 1],
  ])
  expect(sums).toMatchObject({ decisions: 5, same: 0, suppressed: 5, nobody: 1, others: 1, permits: 4, connects: 0 })
})

test('a log that names ever more rules fills no memory', () => {
  const replay = new Replay(candidate)
  for (let line = 1; line <= 1500; line += 1)
    replay.add({ kind: 'decision', decision: logged('permit', publish('z', 0, false, 0), { line, rule: `p:${line}` }) })
  const { groups, ungrouped, changed } = replay.summary()
  expect({ groups: groups.length, ungrouped, changed: changed['newly-refused'] }).toEqual({
    ...{ groups: 1000, ungrouped: 500, changed: 1500 },
  })
})
