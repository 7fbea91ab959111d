/** The decision log read back: whatever log.ts writes, and whatever anybody else may have put into the file. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { logTrace } from '../../src/observe/log.ts'
import { type LogEntry, readLogLine } from '../../src/observe/read-log.ts'
import { problem } from '../../src/problem.ts'
import type { TracedPeer, TraceEvent } from '../../src/trace.ts'
import { must, problemOf } from '../support/policy-set.ts'
import { checkProperty } from '../support/property.ts'

const time = '2026-01-02T03:04:05.678Z'

/** What is read of the line that an event makes. */
function roundTrip(event: TraceEvent): LogEntry {
  const lines: string[] = []
  logTrace({ format: 'json', write: line => lines.push(line), policies: 'policies', now: () => new Date(time) })(event)
  return must(readLogLine(lines.join('').trimEnd(), 7))
}

const peer: TracedPeer = {
  address: '192.0.2.1',
  fingerprint: 'f'.repeat(64),
  who: 'device:site=s1,device=pump-7',
  clientId: 'pump-7',
}
const where = { file: 'policies/plant.yaml', line: 12, column: 7 }
const rule = { role: 'pump', effect: 'allow', action: 'publish', filters: [{ text: 'plant/#' }], where } as const
const publish = { verb: 'publish', topic: 'plant/s1', qos: 1, retain: true, payloadBytes: 12 } as const
const denied = problem('decide/denied', 'no', { where })
const known = {
  line: 7,
  time,
  identity: 'device',
  captures: new Map([
    ['site', 's1'],
    ['device', 'pump-7'],
  ]),
  clientId: 'pump-7',
  address: '192.0.2.1',
}
const decided = { ...known, rule: 'policies/plant.yaml:12:7', revision: '4f2a9c1e' }
const revision = '4f2a9c1e'

describe('every decision that is written is read', () => {
  test.each<[string, TraceEvent, object]>([
    [
      'permitted',
      { event: 'permitted', peer, action: publish, rules: [rule], revision },
      { ...decided, effect: 'permit', action: publish },
    ],
    [
      'a narrowed subscription',
      {
        event: 'permitted',
        peer,
        action: { verb: 'subscribe', topic: '#', qos: 0 },
        rules: [rule],
        narrowed: true,
        revision,
      },
      { ...decided, effect: 'permit', action: { verb: 'subscribe', topic: '#', qos: 0 }, narrowed: true },
    ],
    [
      'a delivery',
      { event: 'permitted', peer, action: { verb: 'receive', topic: 'a' }, rules: [rule], revision },
      { ...decided, effect: 'permit', action: { verb: 'receive', topic: 'a' } },
    ],
    [
      'refused',
      { event: 'refused', peer, action: publish, problem: denied, revision },
      { ...decided, effect: 'refuse', action: publish, code: 'decide/denied' },
    ],
    [
      'connected',
      { event: 'connected', peer, revision },
      { ...known, effect: 'permit', action: { verb: 'connect', topic: 'pump-7' }, revision },
    ],
    [
      'a refused client id',
      {
        event: 'connect-refused',
        peer: { ...peer, subject: 'OU=s1,CN=pump-7' },
        action: { verb: 'connect', topic: 'pump-8' },
        problem: problem('bind/client-id-mismatch', 'no'),
      },
      { ...known, effect: 'refuse', action: { verb: 'connect', topic: 'pump-8' }, code: 'bind/client-id-mismatch' },
    ],
    [
      'a refused will',
      {
        event: 'connect-refused',
        peer,
        action: { ...publish, verb: 'will' },
        problem: problem('bind/will-refused', 'no'),
      },
      { ...known, effect: 'refuse', action: { ...publish, verb: 'will' }, code: 'bind/will-refused' },
    ],
  ])('%s', (_, event, decision) => {
    expect(roundTrip(event)).toEqual({ kind: 'decision', decision })
  })

  test('what was only reported', () => {
    const line = JSON.stringify({ event: 'would-refuse', device: 'device:', action: 'publish', topic: 'a' })
    expect(readLogLine(line, 1)).toMatchObject({ value: { decision: { effect: 'refuse', reportOnly: true } } })
  })

  test('whatever it is about', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    checkProperty(
      'readLogLine: topics and client ids come back as they were',
      fc.property(text, text, fc.nat(), (topic, clientId, payloadBytes) => {
        const action = { ...publish, topic, payloadBytes }
        const entry = roundTrip({ event: 'refused', peer: { ...peer, clientId }, action, problem: denied, revision })
        expect(entry).toMatchObject({ kind: 'decision', decision: { action, clientId } })
      }),
    )
  })
})

describe('every other line is told as what it is', () => {
  const nobody = { address: '192.0.2.1' }
  const noCertificate = problem('accept/no-certificate', 'no')
  test.each<[string, TraceEvent, LogEntry]>([
    [
      'handshake-refused',
      { event: 'handshake-refused', peer: nobody, problem: noCertificate },
      { kind: 'nobody', event: 'handshake-refused', code: 'accept/no-certificate' },
    ],
    [
      'a CONNECT of nobody',
      {
        event: 'connect-refused',
        peer: { ...nobody, subject: 'CN=x' },
        action: { verb: 'connect', topic: 'x' },
        problem: problem('authenticate/no-identity', 'no'),
      },
      { kind: 'nobody', event: 'connect-refused', code: 'authenticate/no-identity' },
    ],
    [
      'a CONNECT that never came',
      { event: 'connect-refused', peer, problem: problem('enforce/connect-timeout', 'no') },
      { kind: 'nobody', event: 'connect-refused', code: 'enforce/connect-timeout' },
    ],
    [
      'a will without an owner',
      {
        event: 'refused',
        peer: { address: 'offline', clientId: 'x' },
        action: publish,
        problem: problem('enforce/not-guarded', 'no'),
        revision,
      },
      { kind: 'nobody', event: 'refused', code: 'enforce/not-guarded' },
    ],
    [
      'suppressed',
      { event: 'suppressed', peer, count: 12, codes: { 'decide/denied': 12 }, seconds: 60 },
      { kind: 'suppressed', count: 12 },
    ],
    ['disconnected', { event: 'disconnected', peer }, { kind: 'other', event: 'disconnected' }],
    [
      'policy-loaded',
      { event: 'policy-loaded', revision, rules: 1, tests: 1 },
      { kind: 'other', event: 'policy-loaded' },
    ],
    [
      'policy-refused',
      { event: 'policy-refused', revision, problems: [denied] },
      { kind: 'other', event: 'policy-refused' },
    ],
    [
      'revocations-loaded',
      { event: 'revocations-loaded', issuer: 'acme', entries: 1 },
      { kind: 'other', event: 'revocations-loaded' },
    ],
    [
      'issuers-loaded',
      { event: 'issuers-loaded', issuers: 1, certificates: 2 },
      { kind: 'other', event: 'issuers-loaded' },
    ],
    [
      'certificate-loaded',
      { event: 'certificate-loaded', subject: 'CN=x', notAfter: time },
      { kind: 'other', event: 'certificate-loaded' },
    ],
    ['alarm', { event: 'alarm', problem: denied }, { kind: 'other', event: 'alarm' }],
  ])('%s', (_, event, entry) => {
    expect(roundTrip(event)).toEqual(entry)
  })
})

describe('hostile lines', () => {
  const permitted = { event: 'permitted', device: 'device:device=a', action: 'publish', topic: 'a' }
  test.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', '03:04:05 refused device:'],
    ['half a line', '{"event":"permitted","device":"dev'],
    ['a list', []],
    ['null', null],
    ['no event', { time }],
    ['an event of another log', { event: 'constructor' }],
    ['an event of everything that there is', { event: '__proto__', action: 'publish' }],
    ['a count that throws', { event: 'suppressed', count: { toString: 1, valueOf: 1 } }],
    ['a count below nothing', { event: 'suppressed', count: -1 }],
    ['a permit of nobody', { ...permitted, device: undefined }],
    ['a permit of nothing', { ...permitted, action: undefined }],
    ['an identity that is none', { ...permitted, device: 'device:a=1,a=2' }],
    ['an action that there is not', { ...permitted, action: 'toString' }],
    ['a QoS that there is not', { ...permitted, qos: 3 }],
    ['a size that there is not', { ...permitted, payloadBytes: -1 }],
    ['retained somewhat', { ...permitted, retain: 'yes' }],
  ])('%s', (_, value) => {
    const line = typeof value === 'string' ? value : JSON.stringify(value)
    expect(problemOf(readLogLine(line, 3))).toMatchObject({ code: 'tool/not-a-log', where: { line: 3 } })
  })

  test('none throws', () => {
    const key = fc.constantFrom('event', 'device', 'action', 'topic', 'qos', 'count', 'clientId', '__proto__', 'time')
    const value = fc.oneof(
      fc.constantFrom('permitted', 'connected', 'refused', 'suppressed', 'device:a=b', 'publish', '__proto__'),
      fc.jsonValue(),
    )
    const object = fc.dictionary(key, value).map(fields => JSON.stringify(fields))
    checkProperty(
      'readLogLine never throws',
      fc.property(fc.oneof(object, fc.string(), fc.json()), text => {
        expect(typeof readLogLine(text, 1).ok).toBe('boolean')
      }),
    )
  })

  test('however deep it nests', () => {
    expect(readLogLine('['.repeat(200_000), 1).ok).toBe(false)
    expect(readLogLine(`{"event":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 1).ok).toBe(false)
  })
})
