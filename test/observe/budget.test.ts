/** Budgets of the log: no flood hides another device's refusal, and every refusal is either told or counted. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BudgetOptions, budgetRefusals } from '../../src/observe/budget.ts'
import { problem } from '../../src/problem.ts'
import type { TracedPeer, TraceEvent } from '../../src/trace.ts'
import { checkProperty } from '../support/property.ts'
import { ManualClock } from './manual-clock.ts'

type Code = 'decide/no-rule' | 'decide/denied' | 'accept/unknown-issuer'
type Suppressed = Extract<TraceEvent, { event: 'suppressed' }>

const device = (name: string, clientId?: string): TracedPeer => ({
  address: '192.0.2.1',
  fingerprint: name.repeat(32),
  who: `device:name=${name}`,
  ...(clientId === undefined ? {} : { clientId }),
})

const refused = (peer: TracedPeer, code: Code = 'decide/no-rule', topic = 'a'): TraceEvent => ({
  event: 'refused',
  peer,
  action: { verb: 'publish', topic },
  problem: problem(code, 'no'),
  revision: 'r1',
})

const handshakeRefused = (peer: TracedPeer): TraceEvent => ({
  event: 'handshake-refused',
  peer,
  problem: problem('accept/unknown-issuer', 'no'),
})

function budget(options: Omit<BudgetOptions, 'clock'> = { refusalsPerMinute: 60 }) {
  const clock = new ManualClock()
  const events: TraceEvent[] = []
  const { trace, close } = budgetRefusals(event => events.push(event), { ...options, clock })
  const suppressed = (): readonly Suppressed[] => events.filter(event => event.event === 'suppressed')
  return { clock, events, trace, close, suppressed }
}

describe('the budget of refusals (5.4)', () => {
  test('a flood by one device hides no refusal of another, and all of it is accounted for', () => {
    const { events, trace, close, suppressed } = budget()
    for (let index = 0; index < 10_000; index += 1) {
      trace(refused(device('a', `id-${index}`), index % 4 === 0 ? 'decide/denied' : 'decide/no-rule'))
      if (index === 9_000) trace(refused(device('b'), 'decide/denied', 'of b'))
    }
    expect(events).toHaveLength(61)
    expect(events.filter(event => 'peer' in event && event.peer?.who === 'device:name=b')).toEqual([
      refused(device('b'), 'decide/denied', 'of b'),
    ])
    close()
    expect(suppressed()).toEqual([
      {
        event: 'suppressed',
        peer: device('a'),
        count: 9_940,
        codes: { 'decide/no-rule': 7_455, 'decide/denied': 2_485 },
        seconds: 1,
      },
    ])
  })

  test('at n every refusal is told; the one after is counted; the next minute begins anew', () => {
    const { clock, events, trace, suppressed } = budget({ refusalsPerMinute: 3 })
    for (let index = 0; index < 3; index += 1) trace(refused(device('a')))
    expect(events).toHaveLength(3)
    trace(refused(device('a')))
    expect(events).toHaveLength(3)
    clock.move(59_999)
    expect(suppressed()).toEqual([])
    clock.move(1)
    expect(suppressed()).toMatchObject([{ count: 1, seconds: 60 }])
    trace(refused(device('a')))
    expect(events).toHaveLength(5)
  })

  test('a minute without too many ends silently, and then nothing waits', () => {
    const { clock, events, trace } = budget({ refusalsPerMinute: 3 })
    trace(refused(device('a')))
    expect(clock.waiting).toBe(1)
    clock.move(120_000)
    expect({ events: events.length, waiting: clock.waiting }).toEqual({ events: 1, waiting: 0 })
  })

  test('each minute ends at its own time, with no event to wake it', () => {
    const { clock, trace, suppressed } = budget({ refusalsPerMinute: 1 })
    const twice = (name: string): void => {
      trace(refused(device(name)))
      trace(refused(device(name)))
    }
    twice('a')
    clock.move(30_000)
    twice('b')
    clock.move(59_999)
    expect(suppressed().map(({ peer }) => peer?.who)).toEqual(['device:name=a'])
    clock.move(1)
    expect(suppressed().map(({ peer }) => peer?.who)).toEqual(['device:name=a', 'device:name=b'])
  })

  test('counts what ended before the first line of the new minute, even where no timer came', () => {
    const { clock, events, trace } = budget({ refusalsPerMinute: 1 })
    trace(refused(device('a')))
    trace(refused(device('a')))
    clock.moveAsleep(90_000)
    trace(refused(device('b')))
    expect(events.map(event => event.event)).toEqual(['refused', 'suppressed', 'refused'])
    expect(events[1]).toMatchObject({ count: 1, seconds: 90 })
  })

  test('only refusals are budgeted', () => {
    const { events, trace } = budget({ refusalsPerMinute: 1 })
    const peer = device('a')
    const others: readonly TraceEvent[] = [
      { event: 'alarm', problem: problem('accept/stale-crl', 'old') },
      { event: 'policy-loaded', revision: 'r2', rules: 1, tests: 1 },
      { event: 'policy-refused', revision: 'r2', problems: [] },
      { event: 'revocations-loaded', issuer: 'acme', entries: 1 },
      { event: 'connected', peer, revision: 'r1' },
      { event: 'disconnected', peer, problem: problem('decide/no-rule', 'no') },
      { event: 'permitted', peer, action: { verb: 'publish', topic: 'a' }, rules: [], revision: 'r1' },
    ]
    for (let round = 0; round < 10; round += 1) for (const event of others) trace(event)
    expect(events).toHaveLength(70)
  })

  test('one certificate has one budget for CONNECTs and actions, from whatever address', () => {
    const { events, trace, close, suppressed } = budget({ refusalsPerMinute: 1 })
    const { who: _, ...early } = device('a')
    trace({ event: 'connect-refused', peer: early, problem: problem('accept/revoked', 'no') })
    trace({ event: 'connect-refused', peer: early, problem: problem('accept/revoked', 'no') })
    trace(refused({ ...device('a'), address: '192.0.2.2' }))
    trace({ event: 'connect-refused', peer: early, problem: problem('accept/revoked', 'no') })
    expect(events).toHaveLength(1)
    close()
    expect(suppressed()).toMatchObject([
      { peer: { who: 'device:name=a' }, count: 3, codes: { 'accept/revoked': 2, 'decide/no-rule': 1 } },
    ])
  })

  test('certificates that nobody vouches for, and none at all, count by address: IPv6 by its /64', () => {
    const { events, trace, close, suppressed } = budget({ refusalsPerMinute: 2 })
    for (let index = 0; index < 100; index += 1) {
      trace(handshakeRefused({ address: `2001:db8:0:1::${index.toString(16)}`, fingerprint: `${index}` }))
      trace(handshakeRefused({ address: '192.0.2.9' }))
      trace(handshakeRefused({ address: '::ffff:192.0.2.9' }))
    }
    // a device behind the same address that did log in
    trace(refused({ ...device('b'), address: '192.0.2.9' }))
    expect(events).toHaveLength(5)
    close()
    expect(suppressed().map(({ peer, count }) => ({ peer, count }))).toEqual([
      { peer: { address: '2001:db8:0:1::/64' }, count: 98 },
      { peer: { address: '192.0.2.9' }, count: 198 },
    ])
  })

  test('beyond the number that is tracked, all others share one budget; places come free by the minute', () => {
    const { clock, events, trace, close, suppressed } = budget({ refusalsPerMinute: 2, maxTracked: 3 })
    for (let round = 0; round < 10; round += 1) {
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) trace(refused(device(name)))
    }
    expect(events).toHaveLength(3 * 2 + 2)
    clock.move(60_000)
    expect(suppressed().map(({ peer, count }) => [peer?.who, count])).toEqual([
      ['device:name=a', 8],
      ['device:name=b', 8],
      ['device:name=c', 8],
      [undefined, 28],
    ])
    trace(refused(device('d')))
    trace(refused(device('d')))
    trace(refused(device('d')))
    close()
    expect(suppressed().at(-1)).toMatchObject({ peer: { who: 'device:name=d' }, count: 1 })
  })

  test('a flood from many addresses takes no place of a certificate', () => {
    const { events, trace } = budget({ refusalsPerMinute: 1, maxTracked: 10 })
    for (let index = 0; index < 1_000; index += 1) {
      trace(handshakeRefused({ address: `10.0.${index >> 8}.${index & 255}`, fingerprint: `${index}` }))
    }
    expect(events).toHaveLength(11)
    for (const name of ['a', 'b', 'c']) trace(refused(device(name)))
    expect(events).toHaveLength(14)
  })

  test('close tells what was only counted, leaves no timer, and lets all pass that comes later', () => {
    const { clock, events, trace, close, suppressed } = budget({ refusalsPerMinute: 1 })
    for (let index = 0; index < 3; index += 1) {
      trace(refused(device('a')))
      trace(handshakeRefused({ address: '192.0.2.9' }))
    }
    clock.move(1_500)
    close()
    close()
    expect(suppressed()).toMatchObject([
      { peer: { who: 'device:name=a' }, count: 2, seconds: 2 },
      { peer: { address: '192.0.2.9' }, count: 2, seconds: 2 },
    ])
    expect(clock.waiting).toBe(0)
    for (let index = 0; index < 5; index += 1) trace(refused(device('a')))
    expect(events).toHaveLength(2 + 2 + 5)
  })
})

/** What the file says of itself, with no thought of cost: every refusal is looked up among all earlier ones. */
function reference(steps: readonly Step[], limit: number, maxTracked: number) {
  const pools = [new Map<string, { since: number; told: number; counts: Record<string, number> }>(), new Map()]
  const told: Step[] = []
  const counted: { key: string; at: number; counts: Record<string, number> }[] = []
  const endBefore = (at: number): void => {
    for (const pool of pools) {
      for (const [key, { since, counts }] of pool) {
        if (since + 60_000 > at) continue
        pool.delete(key)
        if (Object.keys(counts).length > 0) counted.push({ key, at: since + 60_000, counts })
      }
    }
  }
  let at = 0
  for (const step of steps) {
    at += step.wait
    endBefore(at)
    const pool = pools[step.isHandshake ? 1 : 0] as (typeof pools)[0]
    const own = step.isHandshake ? 'address' : `${step.device}`
    const others = [...pool.keys()].filter(key => key !== 'rest').length
    const key = pool.has(own) || others < maxTracked ? own : 'rest'
    const account = pool.get(key) ?? { since: at, told: 0, counts: {} }
    pool.set(key, account)
    if (account.told < limit) {
      account.told += 1
      told.push(step)
    } else account.counts[step.code] = (account.counts[step.code] ?? 0) + 1
  }
  endBefore(Number.POSITIVE_INFINITY)
  return { told, counted }
}

interface Step {
  readonly wait: number
  readonly device: number
  readonly isHandshake: boolean
  readonly code: Code
}

const step: fc.Arbitrary<Step> = fc.record({
  wait: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 25_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(59_999, 60_000, 60_001) },
  ),
  device: fc.nat({ max: 4 }),
  isHandshake: fc.boolean(),
  code: fc.constantFrom<Code>('decide/no-rule', 'decide/denied'),
})

const eventOf = ({ device: index, isHandshake, code }: Step): TraceEvent => {
  const peer = { address: '192.0.2.1', fingerprint: `${index}` }
  return isHandshake
    ? { event: 'handshake-refused', peer, problem: problem(code, 'no') }
    : { event: 'connect-refused', peer, problem: problem(code, 'no') }
}

const sorted = (counts: readonly { key: string; counts: object }[]): readonly string[] =>
  counts.map(({ key, counts }) => `${key} ${JSON.stringify(Object.entries(counts).sort())}`).sort()

test('tells and counts what an obvious reference does; told and counted are all there were', () => {
  checkProperty(
    'log budget equals its reference',
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      (steps, refusalsPerMinute, maxTracked, hasTimers) => {
        const { clock, events, trace, close, suppressed } = budget({ refusalsPerMinute, maxTracked })
        for (const one of steps) {
          if (hasTimers) clock.move(one.wait)
          else clock.moveAsleep(one.wait)
          trace(eventOf(one))
        }
        close()
        const told = events.filter(event => event.event !== 'suppressed')
        const total = suppressed().reduce((sum, { count }) => sum + count, told.length)
        expect(total).toBe(steps.length)
        for (const { count, codes } of suppressed()) {
          expect(Object.values(codes).reduce((sum, number) => sum + number, 0)).toBe(count)
        }
        const expected = reference(steps, refusalsPerMinute, maxTracked)
        expect(told).toEqual(expected.told.map(eventOf))
        const keyed = suppressed().map(({ peer, codes }) => ({
          key: peer === undefined ? 'rest' : (peer.fingerprint ?? 'address'),
          counts: codes,
        }))
        expect(sorted(keyed)).toEqual(sorted(expected.counted))
        expect(clock.waiting).toBe(0)
      },
    ),
  )
})
