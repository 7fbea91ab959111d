/** A list of very many sessions: in slices, and no faster than it is read. */
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { AdminClient } from '../../../src/tool/admin/admin-server.ts'
import { answerRequest } from '../../../src/tool/admin/answer-request.ts'
import type { SessionRow } from '../../../src/tool/admin/session-row.ts'

const many = 50_000
const clientIds = Array.from({ length: many }, (_, i) => `pump-${i}`)

/** A gate of kept sessions; `asked` counts how many were looked at. */
function crowd() {
  const asked = { count: 0 }
  const mapping = { revision: 'r', notAfter: 0, identity: { kind: 'device', captures: new Map() } }
  const gate = {
    sessions: {
      clientIds,
      find: () => {
        asked.count++
        return { live: undefined, kept: { owner: {}, mapping } }
      },
    },
  }
  const inspect = async () => ({ subscriptions: [], queued: { messages: 0, bytes: 0 }, decided: undefined })
  // each takes a millisecond
  const clock = { now: () => asked.count }
  return { answer: answerRequest({ gate, inspect, clock } as never), asked }
}

function client(send: (rows: readonly SessionRow[]) => Promise<void>, hasGone = () => false): AdminClient {
  return {
    send: answer => send((answer['sessions'] ?? []) as SessionRow[]),
    fail: async p => {
      throw new Error(p.sentence)
    },
    post: () => undefined,
    isDrained: () => true,
    hasGone,
    gone: new Promise(() => undefined),
  }
}

test('50,000 sessions: every one, in small answers, and others get their turns between', async () => {
  const { answer } = crowd()
  const seen = new Set<string>()
  let longest = 0
  let turns = 0
  let isOver = false
  const others = (async () => {
    for (; !isOver; turns++) await setImmediate()
  })()
  const receive = async (rows: readonly SessionRow[]): Promise<void> => {
    longest = Math.max(longest, rows.length)
    for (const { clientId } of rows) seen.add(clientId)
  }
  await answer({ command: 'session list', identity: [] }, client(receive))
  isOver = true
  await others
  expect(seen.size).toBe(many)
  expect(longest).toBeLessThanOrEqual(64)
  expect(turns).toBeGreaterThanOrEqual(many / 4 - 1)
})

test('one that does not read is waited for; for one that has gone nothing more is looked up', async () => {
  const { answer, asked } = crowd()
  let go = (): void => undefined
  let hasGone = false
  const stuck = new Promise<void>(resolve => {
    go = resolve
  })
  const listing = answer(
    { command: 'session list', identity: [] },
    client(
      () => stuck,
      () => hasGone,
    ),
  )
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  expect(asked.count).toBe(64)
  hasGone = true
  go()
  await listing
  expect(asked.count).toBe(64)
})
