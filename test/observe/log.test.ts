/** Lines of the log, JSON and plain. */
import { describe, expect, test } from 'vitest'
import { logTrace } from '../../src/observe/log.ts'
import { parseFilterTemplate } from '../../src/policy/filter-template.ts'
import type { Rule } from '../../src/policy/model.ts'
import type { TraceEvent } from '../../src/trace.ts'

/** The one line that an event makes. */
function line(format: 'json' | 'plain', event: TraceEvent): string {
  const lines: string[] = []
  const now = (): Date => new Date('2026-01-02T03:04:05.678Z')
  logTrace({ format, write: text => lines.push(text), policies: 'policies', now })(event)
  expect(lines.join('').split('\n')).toHaveLength(2)
  return lines.join('').trimEnd()
}

const json = (event: TraceEvent): unknown => JSON.parse(line('json', event))

/** As a decision carries it. */
function ruleAt(lineNumber: number, ...filters: readonly string[]): Rule {
  const where = { file: 'policies/plant.yaml', line: lineNumber, column: 7 }
  const templates = filters.map(text => {
    const parsed = parseFilterTemplate(text, where)
    if (!parsed.ok) throw new Error(parsed.problem.sentence)
    return parsed.value
  })
  return { role: 'pump', effect: 'allow', action: 'publish', filters: templates, where }
}

const peer = {
  address: '192.0.2.1',
  fingerprint: 'f'.repeat(64),
  who: 'device:site=s1,device=pump-7',
  clientId: 'pump-7',
}
const permitted: TraceEvent = {
  event: 'permitted',
  peer,
  action: { verb: 'publish', topic: 'plant/s1/pump-7/state', qos: 1, retain: false, payloadBytes: 12 },
  rules: [ruleAt(12, 'plant/${site}/${device}/state', 'plant/${site}/${device}/telemetry/#')],
  revision: '4f2a9c1e',
}

describe('permitted', () => {
  test('as JSON: who, what, by which rule', () => {
    expect(json(permitted)).toEqual({
      level: 'info',
      time: '2026-01-02T03:04:05.678Z',
      event: 'permitted',
      device: 'device:site=s1,device=pump-7',
      address: '192.0.2.1',
      fingerprint: 'f'.repeat(64),
      clientId: 'pump-7',
      action: 'publish',
      topic: 'plant/s1/pump-7/state',
      qos: 1,
      retain: false,
      payloadBytes: 12,
      rule: 'policies/plant.yaml:12:7',
      reason: 'role pump allows publish plant/${site}/${device}/state, plant/${site}/${device}/telemetry/#',
      revision: '4f2a9c1e',
    })
  })

  test('by several rules: the first, and the places of all', () => {
    expect(json({ ...permitted, rules: [ruleAt(12, 'a'), ruleAt(14, 'b')] })).toMatchObject({
      rule: 'policies/plant.yaml:12:7',
      rules: ['policies/plant.yaml:12:7', 'policies/plant.yaml:14:7'],
      reason: 'role pump allows publish a',
    })
    expect(line('plain', { ...permitted, rules: [ruleAt(12, 'a'), ruleAt(14, 'b')] })).toMatch(
      /: role pump allows publish a \[policies\/plant\.yaml:12:7 and 1 more\]$/,
    )
  })

  test('plain', () => {
    expect(line('plain', permitted)).toBe(
      '03:04:05 permitted device:site=s1,device=pump-7 from 192.0.2.1 publish plant/s1/pump-7/state' +
        ': role pump allows publish plant/${site}/${device}/state, plant/${site}/${device}/telemetry/# [policies/plant.yaml:12:7]',
    )
  })

  test('a topic cannot forge a line', () => {
    const forged = { ...permitted, action: { verb: 'publish' as const, topic: 'a\n03:04:05 alarm\u202e\u009b' } }
    expect(line('plain', forged)).toContain('publish a\\u000a03:04:05 alarm\\u202e\\u009b')
    expect(json(forged)).toMatchObject({ topic: 'a\n03:04:05 alarm\u202e\u009b' })
  })
})

describe('suppressed', () => {
  const { clientId: _, ...about } = peer
  const codes = { 'decide/no-rule': 10, 'decide/denied': 2 } as const
  const suppressed: TraceEvent = { event: 'suppressed', peer: about, count: 12, codes, seconds: 60 }

  test('as JSON', () => {
    expect(json(suppressed)).toEqual({
      level: 'warn',
      time: '2026-01-02T03:04:05.678Z',
      event: 'suppressed',
      device: 'device:site=s1,device=pump-7',
      address: '192.0.2.1',
      fingerprint: 'f'.repeat(64),
      count: 12,
      codes,
      seconds: 60,
    })
  })

  test('plain', () => {
    expect(line('plain', suppressed)).toBe(
      '03:04:05 suppressed 12 more refusals of device:site=s1,device=pump-7 from 192.0.2.1 in 60 s: decide/no-rule 10, decide/denied 2',
    )
    expect(line('plain', { ...suppressed, count: 1 })).toContain('suppressed 1 more refusal of device:')
    expect(line('plain', { ...suppressed, peer: { address: '2001:db8::/64' } })).toContain(
      'suppressed 12 more refusals from 2001:db8::/64 in 60 s',
    )
  })

  test('of many that could not be told apart', () => {
    const { peer: _, ...many } = suppressed
    expect(line('plain', many)).toContain('12 more refusals of devices too many to be told apart in 60 s')
    expect(json(many)).not.toHaveProperty('address')
  })
})

describe('enrolment', () => {
  const enrolled: TraceEvent = {
    event: 'enrolled',
    peer: { address: '192.0.2.1', who: 'device:site=s1,device=pump-7' },
    by: 'token',
    serial: '4a',
    notAfter: '2027-01-02T03:04:05.000Z',
    superseded: [],
  }
  const refused: TraceEvent = {
    event: 'enrol-refused',
    peer: { address: '192.0.2.1' },
    route: 'simpleenroll',
    status: 401,
    problem: { code: 'provision/bad-token', sentence: 'the token is for another device' },
  }

  test('as JSON: who, by what, and which certificate; or why not', () => {
    expect(json(enrolled)).toEqual({
      level: 'info',
      time: '2026-01-02T03:04:05.678Z',
      event: 'enrolled',
      device: 'device:site=s1,device=pump-7',
      address: '192.0.2.1',
      by: 'token',
      serial: '4a',
      notAfter: '2027-01-02T03:04:05.000Z',
      superseded: [],
    })
    expect(json(refused)).toEqual({
      level: 'warn',
      time: '2026-01-02T03:04:05.678Z',
      event: 'enrol-refused',
      address: '192.0.2.1',
      route: 'simpleenroll',
      status: 401,
      code: 'provision/bad-token',
      reason: 'the token is for another device',
    })
  })

  test('plain', () => {
    expect(line('plain', enrolled)).toBe(
      '03:04:05 enrolled device:site=s1,device=pump-7 from 192.0.2.1 by its token: serial 4a, until 2027-01-02T03:04:05.000Z',
    )
    expect(line('plain', refused)).toBe(
      '03:04:05 refused simpleenroll with 401, no certificate from 192.0.2.1: the token is for another device [provision/bad-token]',
    )
  })
})

describe('operation', () => {
  const stopping: TraceEvent = { event: 'stopping', signal: 'SIGTERM', sessions: 7, graceSeconds: 5, drainSeconds: 10 }

  test('as JSON', () => {
    const time = '2026-01-02T03:04:05.678Z'
    expect(json({ event: 'reloaded', refused: 0 })).toEqual({ level: 'info', time, event: 'reloaded', refused: 0 })
    expect(json({ event: 'reloaded', refused: 2 })).toMatchObject({ level: 'error', refused: 2 })
    expect(json(stopping)).toEqual({ level: 'info', time, ...stopping })
  })

  test('plain', () => {
    expect(line('plain', { event: 'reloaded', refused: 0 })).toBe('03:04:05 reload   all that was read is in force')
    expect(line('plain', { event: 'reloaded', refused: 2 })).toBe(
      '03:04:05 reload   2 of what was read refused, and what was in force stays',
    )
    expect(line('plain', stopping)).toBe('03:04:05 stopping on SIGTERM: 7 sessions end within 15 s')
  })
})
