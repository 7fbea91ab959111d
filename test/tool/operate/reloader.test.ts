import { expect, test } from 'vitest'
import { problem } from '../../../src/problem.ts'
import { Reloader } from '../../../src/tool/operate/reloader.ts'
import type { TraceEvent } from '../../../src/trace.ts'

const alarm: TraceEvent = { event: 'alarm', problem: problem('accept/bad-crl', 'no') }
const made = () => {
  const told: TraceEvent[] = []
  const reloader: Reloader = new Reloader(event => {
    told.push(event)
    reloader.trace(event)
  })
  return { told, reloader }
}

test('counts what is refused during a run, and nothing else', async () => {
  const { told, reloader } = made()
  reloader.trace(alarm)
  await reloader.run(async () => {
    reloader.trace(alarm)
    reloader.trace({ event: 'policy-refused', problems: [], revision: 'a' })
    reloader.trace({ event: 'candidate-refused', problems: [], revision: 'a' })
    reloader.trace({ event: 'revocations-loaded', issuer: 'acme', entries: 0 })
  })
  reloader.trace(alarm)
  await reloader.run(async () => undefined)
  expect(told).toEqual([
    { event: 'reloaded', refused: 3 },
    { event: 'reloaded', refused: 0 },
  ])
})

test('asked three times during a run, runs once more', async () => {
  const { told, reloader } = made()
  let runs = 0
  const reload = async () => {
    if (runs++ === 0) for (let n = 0; n < 3; n++) void reloader.run(reload)
  }
  await reloader.run(reload)
  expect({ runs, told: told.length }).toEqual({ runs: 2, told: 2 })
})

test('a reload that throws is an alarm, and the next one runs', async () => {
  const { told, reloader } = made()
  await reloader.run(() => Promise.reject(new Error('disk')))
  await reloader.run(async () => undefined)
  expect(told).toMatchObject([
    { event: 'alarm', problem: { code: 'enforce/internal', sentence: 'the reload failed: disk' } },
    { event: 'reloaded', refused: 1 },
    { event: 'reloaded', refused: 0 },
  ])
})
