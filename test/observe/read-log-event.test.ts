/** The decision log as events: what the writer writes is read back, and nothing is guessed at. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logTrace } from '../../src/observe/log.ts'
import { readLogEvent } from '../../src/observe/read-log-event.ts'
import { problem } from '../../src/problem.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { checkProperty } from '../support/property.ts'

const now = new Date('2026-11-28T10:00:00.125Z')
const peer = { address: '192.0.2.1', fingerprint: 'ab'.repeat(32), who: 'device:device=pump-7', clientId: 'pump-7' }

function written(event: TraceEvent): string {
  let line = ''
  logTrace({ format: 'json', policies: 'policies', now: () => now, write: text => (line = text) })(event)
  return line.trimEnd()
}

test('what the log writes', () => {
  const { who: device, ...rest } = peer
  const common = { time: now.getTime(), device, ...rest }
  const broken = problem('accept/revoked', 'it was silent')
  expect(readLogEvent(written({ event: 'connected', peer, revision: 'r' }))).toEqual({ event: 'connected', ...common })
  expect(readLogEvent(written({ event: 'disconnected', peer, problem: broken }))).toEqual({
    ...{ event: 'disconnected', ...common },
    code: 'accept/revoked',
  })
  expect(
    readLogEvent(written({ event: 'suppressed', peer: { address: '192.0.2.1' }, count: 7, codes: {}, seconds: 3 })),
  ).toEqual({ event: 'suppressed', time: now.getTime(), address: '192.0.2.1', count: 7 })
  expect(readLogEvent(written({ event: 'policy-loaded', revision: 'r', rules: 1, tests: 0 }))?.event).toBe(
    'policy-loaded',
  )
})

const good = { time: '2026-11-28T10:00:00.000Z', event: 'connected', address: '192.0.2.1' }

test.each([
  { event: undefined },
  { event: 7 },
  { time: undefined },
  { time: 1_700_000_000 },
  { time: '2026-11-28 10:00:00' },
  { time: '2026-13-28T10:00:00Z' },
  { address: 1 },
  { device: ['device:device=pump-7'] },
  { clientId: {} },
  { code: true },
  { fingerprint: 'AB'.repeat(32) },
  { fingerprint: `${'ab'.repeat(32)}00` },
  { count: -1 },
  { count: 1.5 },
  { count: '3' },
])('a line with %j is none of ours', more => {
  expect(readLogEvent(JSON.stringify(good))).toBeDefined()
  expect(readLogEvent(JSON.stringify({ ...good, ...more }))).toBeUndefined()
})

test('whatever the line is, it is read or it is not', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc.object().map(more => JSON.stringify({ ...good, ...more })),
  )
  checkProperty(
    'readLogEvent never throws',
    fc.property(anything, text => {
      const event = readLogEvent(text)
      if (event !== undefined) expect(Number.isSafeInteger(event.time)).toBe(true)
    }),
  )
})
