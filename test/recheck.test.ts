/** What a policy has ended and a store does not let go of is ended later (4.1). */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Problem } from '../src/problem.ts'
import { Recheck } from '../src/recheck.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

function sessions() {
  const kept = new Set(['pump-7', 'pump-8', 'pump-9'])
  const alarms: Problem[] = []
  const store = { isAway: true, asked: 0 }
  const recheck = new Recheck({
    live: () => [],
    kept: {
      get clientIds() {
        return [...kept]
      },
      mappingOf: clientId => (clientId === 'pump-9' ? {} : undefined),
    },
    end: async clientId => {
      store.asked++
      if (store.isAway) throw new Error('the store is away')
      kept.delete(clientId)
    },
    epoch: () => 0,
    alarm: p => void alarms.push(p),
  })
  return { recheck, kept, alarms, store }
}

test('a store that fails is told of, and asked again until it does not', async () => {
  const { recheck, kept, alarms, store } = sessions()
  await recheck.run()
  expect(alarms).toMatchObject([{ code: 'bind/not-ended' }])
  expect(alarms[0]?.sentence).toBe('2 kept sessions that may not stay could not be ended (the store is away)')
  await vi.advanceTimersByTimeAsync(5_000)
  expect(alarms).toHaveLength(2)
  store.isAway = false
  await vi.advanceTimersByTimeAsync(5_000)
  expect([...kept]).toEqual(['pump-9'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect([store.asked, alarms.length]).toEqual([6, 2])
})

test('nothing is tried once it is closed', async () => {
  const { recheck, store } = sessions()
  await recheck.run()
  recheck.close()
  await vi.advanceTimersByTimeAsync(60_000)
  await recheck.run()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(store.asked).toBe(4)
})
