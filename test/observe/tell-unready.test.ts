import { expect, test } from 'vitest'
import { Readiness } from '../../src/observe/readiness.ts'
import { tellUnready } from '../../src/observe/tell-unready.ts'
import { type Problem, problem } from '../../src/problem.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { ManualClock } from './manual-clock.ts'

test('a clock that was set back is told once, and again when it happens again (4.5)', () => {
  const clock = new ManualClock()
  const told: TraceEvent[] = []
  const readiness = new Readiness()
  let behind: Problem | undefined
  readiness.add({ name: 'clock', problem: () => behind })
  const end = tellUnready(readiness, event => told.push(event), clock)
  clock.move(60_000)
  expect(told).toEqual([])
  const p = problem('accept/clock-set-back', 'the clock is behind')
  behind = p
  clock.move(60_000)
  expect(told).toEqual([{ event: 'alarm', problem: p }])
  behind = undefined
  clock.move(10_000)
  behind = p
  clock.move(10_000)
  expect(told).toHaveLength(2)
  end()
  expect(clock.waiting).toBe(0)
})
