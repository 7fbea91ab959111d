/** So many a minute for each key, and bounded memory whatever comes. */
import { expect, test } from 'vitest'
import { RateLimit } from '../../../src/provision/enrol/rate-limit.ts'

test('n pass, n + 1 waits until the minute of its first request is over', () => {
  let now = 0
  const limit = new RateLimit({ perMinute: 2, tracked: 10, now: () => now })
  const take = (at: number, key = 'a'): number | undefined => {
    now = at
    return limit.take(key)
  }
  expect([take(0), take(30_000), take(30_000), take(59_999)]).toEqual([undefined, undefined, 30, 1])
  expect([take(59_999, 'b'), take(60_000), take(60_001), take(60_002)]).toEqual([undefined, undefined, undefined, 60])
})

test('limit tracked: keys beyond those that are tracked share one count, and pass again after a minute', () => {
  let now = 0
  const limit = new RateLimit({ perMinute: 2, tracked: 2, now: () => now })
  for (const key of ['a', 'b']) expect(limit.take(key)).toBeUndefined()
  expect(['c', 'd', 'e'].map(key => limit.take(key))).toEqual([undefined, undefined, 60])
  expect(limit.take('a')).toBeUndefined() // its own count still is its own
  now = 60_000
  expect(['c', 'd'].map(key => limit.take(key))).toEqual([undefined, undefined])
})

test('a clock that is set back locks nobody out', () => {
  let now = 1e9
  const limit = new RateLimit({ perMinute: 1, tracked: 2, now: () => now })
  expect([limit.take('a'), limit.take('a')]).toEqual([undefined, 60])
  now = 0
  expect(limit.take('a')).toBeUndefined()
})
