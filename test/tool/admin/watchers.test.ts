/** Who sees what, and that no watcher is ever waited for. */
import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/observe/clock.ts'
import { problem } from '../../../src/problem.ts'
import { Watchers, type WatchRequest, type WatchSink } from '../../../src/tool/admin/watchers.ts'
import type { Trace, TraceEvent } from '../../../src/trace.ts'
import { everyName, expectClean } from '../../output-safety/fleet.ts'

type Said = Parameters<WatchSink['write']>[0]

const peer = { address: '192.0.2.1', who: 'device:site=s1,device=pump-7', clientId: 'pump-7' }
const revision = 'r'
const rules = [
  { role: 'sensor', effect: 'allow', action: 'publish', filters: [{ text: 'a/#' }], where: { file: 'p' } },
] as const
const permitted = (topic: string, verb: 'publish' | 'subscribe' = 'publish'): TraceEvent => ({
  event: 'permitted',
  peer,
  action: { verb, topic },
  rules,
  revision,
})
const refused = (topic: string, who = peer): TraceEvent => ({
  event: 'refused',
  peer: who,
  action: { verb: 'publish', topic },
  problem: problem('decide/no-rule', 'no rule allows it'),
  revision,
})
const connected: TraceEvent = { event: 'connected', peer, revision }
const loaded: TraceEvent = { event: 'policy-loaded', revision, rules: 1, tests: 0 }

function bench() {
  const wakes = new Set<() => void>()
  const clock: Clock = {
    now: () => 0,
    after: (_, wake) => {
      wakes.add(wake)
      return () => wakes.delete(wake)
    },
  }
  let permits: Trace | undefined
  const watchers = new Watchers({
    policies: 'policies',
    clock,
    now: () => new Date(0),
    onPermitsWanted: trace => {
      permits = trace
    },
  })
  const watch = (request: Partial<WatchRequest> = {}) => {
    const said: Said[] = []
    const state = { drained: true }
    const end = watchers.add(
      { command: 'watch', refused: false, who: [], topic: undefined, format: 'plain', ...request },
      { write: answer => said.push(answer), isDrained: () => state.drained },
    )
    return { said, state, end, lines: () => said.flatMap(({ line }) => line ?? []) }
  }
  return {
    watchers,
    watch,
    permits: () => permits,
    wakes,
    /** A round of every watcher that waits for one. */
    round: () => {
      for (const wake of [...wakes]) {
        wakes.delete(wake)
        wake()
      }
    },
  }
}

describe('a filter', () => {
  const events = [
    permitted('a/b'),
    permitted('a/#', 'subscribe'),
    refused('a/b'),
    refused('c', { ...peer, who: 'staff:name=ops-1', clientId: 'ops-1/x' }),
    connected,
    loaded,
  ]
  test.each<[string, Partial<WatchRequest>, readonly number[]]>([
    ['none: everything', {}, [0, 1, 2, 3, 4, 5]],
    ['refusals', { refused: true }, [2, 3]],
    ['one identity', { who: ['staff'] }, [3]],
    ['one client id', { who: ['pump-7'] }, [0, 1, 2, 4]],
    ['one of two', { who: ['nobody', 'ops-*'] }, [3]],
    ['a topic, and subscriptions that could bring it', { topic: 'a/b' }, [0, 1, 2]],
    ['a topic with wildcards', { topic: '+' }, [1, 3]],
    ['all of them', { refused: true, who: ['device'], topic: 'a/#' }, [2]],
  ])('%s', (_, request, expected) => {
    const { watchers, watch, round } = bench()
    const { lines } = watch(request)
    const all = watch()
    for (const event of events) watchers.trace(event)
    round()
    expect(all.lines()).toHaveLength(events.length)
    expect(lines()).toEqual(expected.map(index => all.lines()[index]))
  })
})

test('JSON lines are those of the log', () => {
  const { watchers, watch, round } = bench()
  const { lines } = watch({ format: 'json' })
  watchers.trace(refused('a/b'))
  round()
  expect(lines().map(line => JSON.parse(line))).toMatchObject([
    { event: 'refused', device: peer.who, topic: 'a/b', time: '1970-01-01T00:00:00.000Z', code: 'decide/no-rule' },
  ])
})

test('permits are wanted as long as somebody wants them, and no longer', () => {
  const { watchers, watch, permits } = bench()
  const refusals = watch({ refused: true })
  expect(permits()).toBeUndefined()
  const [one, two] = [watch(), watch()]
  expect(permits()).toBe(watchers.trace)
  one.end()
  expect(permits()).toBe(watchers.trace)
  two.end()
  expect(permits()).toBeUndefined()
  refusals.end()
})

test('more at once than a person reads: the first, and how many there were', () => {
  const { watchers, watch, round } = bench()
  const { said, lines } = watch()
  for (let i = 0; i < 1000; i++) watchers.trace(refused(`t${i}`))
  round()
  expect(lines()).toHaveLength(250)
  expect(said.at(-1)).toEqual({ ok: true, lost: 750 })
  watchers.trace(refused('after'))
  round()
  expect(lines()).toHaveLength(251)
})

test('a watcher that does not read holds up nothing and keeps no more than its queue', () => {
  const { watchers, watch, round } = bench()
  const slow = watch()
  const quick = watch()
  slow.state.drained = false
  for (let i = 0; i < 100; i++) {
    for (let j = 0; j < 100; j++) watchers.trace(refused(`t${i}`))
    round()
  }
  expect(slow.said).toEqual([])
  expect(quick.lines()).toHaveLength(10_000)
  slow.state.drained = true
  round()
  expect(slow.lines()).toHaveLength(250)
  expect(slow.said.at(-1)).toEqual({ ok: true, lost: 9_750 })
})

test('long lines are written a round at a time', () => {
  const { watchers, watch, round } = bench()
  const { lines } = watch()
  for (let i = 0; i < 200; i++) watchers.trace(refused('x'.repeat(65_000)))
  round()
  const first = lines().length
  expect(first).toBeLessThan(30)
  for (let i = 0; i < 40; i++) round()
  expect(lines()).toHaveLength(200)
})

test('nothing is left of one that has gone', () => {
  const { watchers, watch, wakes, round } = bench()
  const { said, end } = watch()
  watchers.trace(refused('t'))
  end()
  expect(wakes.size).toBe(0)
  watchers.trace(refused('t'))
  round()
  expect(said).toEqual([])
})

test('hostile names stay within their line', () => {
  for (const format of ['plain', 'json'] as const) {
    const { watchers, watch, round } = bench()
    const { lines } = watch({ format })
    for (const name of everyName) watchers.trace(refused(name, { address: name, who: name, clientId: name }))
    round()
    expect(lines()).toHaveLength(everyName.length)
    for (const line of lines()) {
      expect(line).not.toContain('\n')
      expectClean(line)
    }
  }
})
