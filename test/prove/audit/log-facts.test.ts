/** What an audit gathers from a log: by peer, whatever stands between its lines, and never more than its limits. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogEvent } from '../../../src/observe/read-log-event.ts'
import { LogFacts } from '../../../src/prove/audit/log-facts.ts'
import { logLimits } from '../../../src/prove/audit/log-limits.ts'
import { checkProperty } from '../../support/property.ts'

const second = 1_000
const fingerprint = (index: number): string => index.toString(16).padStart(64, '0')

interface Step {
  readonly peer: number
  readonly event: string
  readonly address: number
  readonly client: number
  readonly wait: number
}

const step = fc.record<Step>({
  peer: fc.integer({ min: 0, max: 3 }),
  event: fc.constantFrom('connected', 'connected', 'disconnected', 'permitted', 'refused', 'handshake-refused'),
  address: fc.integer({ min: 0, max: 2 }),
  client: fc.integer({ min: 0, max: 1 }),
  wait: fc.constantFrom(0, 1, 4, 6, 300, 700),
})

/** Each peer has a clock of its own, and addresses. */
function eventsOf(steps: readonly Step[]): readonly (LogEvent & { readonly peer: number })[] {
  const clocks = [0, 0, 0, 0]
  return steps.map(({ peer, event, address, client, wait }) => {
    const time = (clocks[peer] ?? 0) + wait * second
    clocks[peer] = time
    const who = { address: `192.0.2.${peer}${address}`, device: `device:device=${peer}`, clientId: `${peer}-${client}` }
    return event === 'handshake-refused'
      ? { peer, time, event, address: who.address }
      : { peer, time, event, fingerprint: fingerprint(peer), ...who }
  })
}

function gathered(events: readonly LogEvent[]): unknown {
  const facts = new LogFacts()
  for (const event of events) facts.add(event)
  facts.end()
  const certificates = [...facts.certificates.values()].map(({ addresses, ...seen }) => ({
    ...seen,
    ...{ atOnce: addresses.atOnce, returns: addresses.returns, unheld: addresses.unheld },
  }))
  const { refused, nobody, from, to, events: count, permits, connects, unheld } = facts
  return {
    certificates: certificates.toSorted((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1)),
    refused: Object.fromEntries(refused),
    nobody: Object.fromEntries(nobody),
    ...{ from, to, count, permits, connects, unheld },
  }
}

/** The same lines of each peer in the same order, and another order between them. */
function interleaved<T extends { readonly peer: number }>(
  events: readonly T[],
  picks: readonly number[],
): readonly T[] {
  const queues = [0, 1, 2, 3].map(peer => events.filter(one => one.peer === peer))
  const mixed: T[] = []
  for (let turn = 0; mixed.length < events.length; turn++) {
    const waiting = queues.filter(queue => queue.length > 0)
    const next = waiting[(picks[turn % picks.length] ?? 0) % waiting.length]?.shift()
    if (next !== undefined) mixed.push(next)
  }
  return mixed
}

test('the order of lines of different peers does not matter', () => {
  const picks = fc.array(fc.nat(), { minLength: 1 })
  checkProperty(
    'facts of a log do not depend on the order between peers',
    fc.property(fc.array(step, { maxLength: 40 }), picks, (steps, order) => {
      const events = eventsOf(steps)
      expect(gathered(interleaved(events, order))).toEqual(gathered(events))
    }),
  )
})

const seen = (facts: LogFacts, index = 1) => facts.certificates.get(fingerprint(index))?.addresses
const event = (name: string, time: number, address: string, clientId = 'a'): LogEvent => ({
  ...{ event: name, time: time * second, address, clientId, device: 'device:device=1' },
  fingerprint: fingerprint(1),
})

function after(...events: readonly LogEvent[]): LogFacts {
  const facts = new LogFacts()
  for (const one of events) facts.add(one)
  facts.end()
  return facts
}

describe('two places at a time', () => {
  test.each([
    [
      'one after the other',
      [event('connected', 0, 'x'), event('disconnected', 9, 'x'), event('connected', 10, 'y', 'b')],
    ],
    [
      'a take-over, whose end is written later',
      [event('connected', 0, 'x'), event('connected', 50, 'y'), event('disconnected', 99, 'x')],
    ],
    [
      'for five seconds',
      [event('connected', 0, 'x'), event('connected', 50, 'y', 'b'), event('disconnected', 55, 'x')],
    ],
    ['one address', [event('connected', 0, 'x'), event('connected', 50, 'x', 'b'), event('connected', 99, 'x', 'c')]],
  ])('not %s', (_, events) => {
    expect(seen(after(...events))?.atOnce).toBeUndefined()
  })

  test('for more than five seconds, and from when to when', () => {
    const events = [event('connected', 0, 'x'), event('connected', 50, 'a', 'b'), event('disconnected', 56, 'x')]
    expect(seen(after(...events))?.atOnce).toEqual({ addresses: ['a', 'x'], from: 50_000, to: 56_000 })
  })

  test('where the log ends before they do', () => {
    const events = [event('connected', 0, 'x'), event('connected', 50, 'y', 'b'), event('policy-loaded', 80, 'z')]
    expect(seen(after(...events))?.atOnce).toEqual({ addresses: ['x', 'y'], from: 50_000, to: 80_000 })
  })
})

test('coming back to an address counts where it was left less than ten minutes before', () => {
  const at = (...times: readonly number[]) =>
    times.map((time, turn) => event('connected', time, turn % 2 === 0 ? 'x' : 'y'))
  expect(seen(after(...at(0, 10, 20, 30)))?.returns).toBe(2)
  expect(seen(after(...at(0, 10, 610, 1210)))?.returns).toBe(2)
  expect(seen(after(...at(0, 10, 611, 1212)))?.returns).toBe(0)
})

test('a session counts as seen, a refused log-in does not', () => {
  const facts = after(event('connect-refused', 1, 'x'), event('handshake-refused', 2, 'x'))
  expect(facts.certificates.size).toBe(0)
  expect(after(event('permitted', 3, 'x')).certificates.get(fingerprint(1))?.last).toBe(3_000)
})

describe('limits', () => {
  const limits = { certificates: 2, refused: 2, connections: 2, allConnections: 3, characters: 8 }
  const feed = (...events: readonly LogEvent[]): LogFacts => {
    const facts = new LogFacts(limits)
    for (const one of events) facts.add(one)
    return facts
  }
  const by = (index: number, more: Partial<LogEvent> = {}): LogEvent => ({
    ...{ event: 'connected', time: 0, address: 'x', clientId: 'a', fingerprint: fingerprint(index) },
    ...more,
  })

  test('certificates', () => {
    const facts = feed(by(1), by(2), by(3), by(1))
    expect([facts.certificates.size, facts.unheld.certificates]).toEqual([2, 1])
  })

  test('refused identities, and addresses; what is counted already goes on', () => {
    const refused = (device: string): LogEvent => ({ event: 'refused', time: 0, device })
    const facts = feed(refused('a'), refused('b'), refused('c'), refused('a'))
    expect([[...facts.refused], facts.unheld.refusals]).toEqual([
      [
        ['a', 2],
        ['b', 1],
      ],
      1,
    ])
    const nobody = (address: string): LogEvent => ({ event: 'handshake-refused', time: 0, address })
    const more = feed(nobody('a'), nobody('b'), { event: 'suppressed', time: 0, address: 'c', count: 9 })
    expect([more.nobody.size, more.unheld.refusals]).toEqual([2, 9])
  })

  test('open connections of one certificate', () => {
    const facts = feed(...['a', 'b', 'c', 'c'].map(clientId => by(1, { clientId })))
    expect(seen(facts)?.unheld).toBe(2)
  })

  test('open connections of all', () => {
    const all = feed(by(1), by(1, { clientId: 'b' }), by(2), by(2, { clientId: 'b' }), by(1, { clientId: 'b' }))
    expect([seen(all)?.open, seen(all, 2)?.open, seen(all, 2)?.unheld]).toEqual([2, 1, 1])
    all.add(by(1, { event: 'disconnected' }))
    all.add(by(2, { clientId: 'c' }))
    expect(seen(all, 2)?.open).toBe(2)
  })

  test('texts of a device', () => {
    const long = 'x'.repeat(9)
    const facts = feed(by(1, { device: long, clientId: long, address: long }), {
      event: 'refused',
      time: 0,
      device: long,
    })
    expect(facts.unheld.values).toBe(4)
    expect(facts.certificates.get(fingerprint(1))).toMatchObject({ identity: undefined, clientId: undefined })
    expect(facts.refused.size).toBe(0)
  })

  test('are far above what a fleet has', () => {
    expect(logLimits).toEqual({
      ...{ certificates: 200_000, refused: 50_000, connections: 64, allConnections: 250_000, characters: 256 },
    })
  })
})
