import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Agenda } from '../../src/bind/agenda.ts'
import { checkProperty } from '../support/property.ts'

const dayMs = 86_400_000

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** An agenda that writes down what it did, and when. */
function noting(now: () => number = Date.now): { agenda: Agenda<string>; done: [what: string, at: number][] } {
  const done: [string, number][] = []
  return { agenda: new Agenda(now, what => void done.push([what, Date.now()])), done }
}

test('each comes at its time, in order of time, with one timer for all', () => {
  const { agenda, done } = noting()
  agenda.add('later', 2000)
  agenda.add('sooner', 1000)
  agenda.add('with it', 1000)
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(999)
  expect(done).toEqual([])
  vi.advanceTimersByTime(1)
  expect(done.map(([what]) => what).sort()).toEqual(['sooner', 'with it'])
  vi.advanceTimersByTime(1000)
  expect(done.at(-1)).toEqual(['later', 2000])
  expect([agenda.size, vi.getTimerCount()]).toEqual([0, 0])
})

test('what has passed already comes at once, but never before `add` has returned', () => {
  const { agenda, done } = noting(() => 5000)
  agenda.add('past', 4000)
  expect(done).toEqual([])
  vi.advanceTimersByTime(1)
  expect(done.map(([what]) => what)).toEqual(['past'])
})

test('it waits for longer than a timer of Node can', () => {
  const { agenda, done } = noting()
  agenda.add('in ten years', 3650 * dayMs)
  vi.advanceTimersByTime(3650 * dayMs - 1)
  expect(done).toEqual([])
  vi.advanceTimersByTime(1)
  expect(done).toEqual([['in ten years', 3650 * dayMs]])
})

test('a clock that is set back is waited for, and one that is set forward is seen within a day', () => {
  let offset = 0
  const { agenda, done } = noting(() => Date.now() + offset)
  agenda.add('in an hour', 3_600_000)
  agenda.add('in thirty days', 30 * dayMs)
  offset = -1_000_000
  vi.advanceTimersByTime(3_600_000)
  expect(done).toEqual([])
  vi.advanceTimersByTime(1_000_000)
  expect(done).toEqual([['in an hour', 4_600_000]])
  offset = 30 * dayMs
  vi.advanceTimersByTime(dayMs)
  expect(done.map(([what]) => what)).toEqual(['in an hour', 'in thirty days'])
})

test('what is called off does not come, also where the one before it calls it off', () => {
  const agenda: Agenda<string> = new Agenda(Date.now, what => {
    done.push(what)
    agenda.delete('victim')
    if (what === 'first') agenda.add('born', 1000)
  })
  const done: string[] = []
  for (const [at, what] of ['first', 'victim', 'last'].entries()) agenda.add(what, 1000 + at)
  agenda.add('gone', 10)
  agenda.delete('gone')
  agenda.delete('unknown')
  vi.advanceTimersByTime(2000)
  expect(done).toEqual(['first', 'born', 'last'])
})

test('the same thing is noted once, for the time that was said last', () => {
  const { agenda, done } = noting()
  agenda.add('moved', 1000)
  agenda.add('moved', 3000)
  expect(agenda.size).toBe(1)
  vi.advanceTimersByTime(3000)
  expect(done).toEqual([['moved', 3000]])
})

test('one that throws does not take those behind it along', () => {
  const done: string[] = []
  const agenda = new Agenda<string>(Date.now, what => {
    if (what === 'bad') throw new Error('a listener of the host')
    done.push(what)
  })
  agenda.add('bad', 1000)
  agenda.add('good', 1000)
  expect(() => vi.advanceTimersByTime(1000)).toThrow('a listener of the host')
  vi.advanceTimersByTime(1)
  expect(done).toEqual(['good'])
})

test('what is no time is refused: it would stand before everything else', () => {
  expect(() => noting().agenda.add('never', Number.NaN)).toThrow(RangeError)
})

const step = fc.oneof(
  fc.record({ what: fc.nat(20), at: fc.nat(500) }),
  fc.record({ what: fc.nat(20), at: fc.constant(undefined) }),
  fc.record({ wait: fc.nat(200) }),
)

test('it does what a plain list would', () => {
  const property = fc.property(fc.array(step, { maxLength: 60 }), steps => {
    let now = 0
    const done: [at: number, what: number][] = []
    const expected: [at: number, what: number][] = []
    const list = new Map<number, number>()
    const agenda = new Agenda<number>(
      () => now,
      what => void done.push([now, what]),
    )
    const pass = (until: number): void => {
      while (now < until) {
        now++
        vi.advanceTimersByTime(1)
        for (const [what, at] of [...list]) {
          if (at > now) continue
          expected.push([now, what])
          list.delete(what)
        }
      }
    }
    for (const one of [...steps, { wait: 600 }]) {
      if ('wait' in one) pass(now + one.wait)
      else if (one.at === undefined) {
        agenda.delete(one.what)
        list.delete(one.what)
      } else {
        agenda.add(one.what, one.at)
        list.set(one.what, one.at)
      }
      expect(agenda.size).toBe(list.size)
    }
    const sorted = (all: readonly [number, number][]) => [...all].sort(([a, x], [b, y]) => a - b || x - y)
    expect(done.map(([at]) => at)).toEqual(expected.map(([at]) => at))
    expect(sorted(done)).toEqual(sorted(expected))
    expect([agenda.size, vi.getTimerCount()]).toEqual([0, 0])
  })
  checkProperty('an agenda does what a plain list would', property)
})
