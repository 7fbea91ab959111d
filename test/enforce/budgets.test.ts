/** The budgets of one identity: denials a minute, retained topics, queues. Each: n passes, n + 1 is refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DenialBudget } from '../../src/enforce/denial-budget.ts'
import { QueueLedger } from '../../src/enforce/queue-ledger.ts'
import { RetainedTopics } from '../../src/enforce/retained-topics.ts'
import { checkProperty } from '../support/property.ts'

describe('DenialBudget', () => {
  test('so many refusals a minute, and one more is too many', () => {
    let now = 0
    const budget = new DenialBudget(3, () => now)
    expect([1, 2, 3, 4].map(() => budget.spend('pump-7'))).toEqual([true, true, true, false])
    expect(budget.spend('pump-8')).toBe(true)
    now = 59_999
    expect(budget.spend('pump-7')).toBe(false)
    now = 60_000
    expect(budget.spend('pump-7')).toBe(true)
  })

  test('a clock that is set back does not shut a device out', () => {
    let now = 1_000_000
    const budget = new DenialBudget(1, () => now)
    budget.spend('pump-7')
    now = 0
    expect(budget.spend('pump-7')).toBe(true)
  })
})

describe('RetainedTopics', () => {
  test('so many topics, and one more is refused; the same topic again is not one more', () => {
    const topics = new RetainedTopics(2)
    expect(['a', 'b', 'a', 'c'].map(topic => topics.set(topic, 'pump-7'))).toEqual([true, true, true, false])
    topics.clear('a')
    expect(topics.set('c', 'pump-7')).toBe(true)
    expect(topics.set('d', 'pump-7')).toBe(false)
  })

  test('who sets a topic last holds it', () => {
    const topics = new RetainedTopics(1)
    topics.set('a', 'pump-7')
    expect(topics.set('a', 'pump-8')).toBe(true)
    expect(topics.set('b', 'pump-7')).toBe(true)
    expect(topics.set('b', 'pump-8')).toBe(false)
  })
})

describe('QueueLedger', () => {
  test('so many messages over all sessions of an identity', () => {
    const ledger = new QueueLedger({ queuedMessages: 2, queuedBytes: 1000 })
    expect(ledger.add('ops-1', 'operator', 1)).toBe(true)
    expect(ledger.add('ops-2', 'operator', 1)).toBe(true)
    expect(ledger.add('ops-1', 'operator', 1)).toBe(false)
    expect(ledger.add('pump-7', 'pump', 1)).toBe(true)
    ledger.remove('ops-2', 1)
    expect(ledger.add('ops-1', 'operator', 1)).toBe(true)
  })

  test('so many bytes', () => {
    const ledger = new QueueLedger({ queuedMessages: 100, queuedBytes: 10 })
    expect(ledger.add('pump-7', 'pump', 10)).toBe(true)
    expect(ledger.add('pump-7', 'pump', 1)).toBe(false)
    ledger.forget('pump-7')
    expect(ledger.add('pump-7', 'pump', 10)).toBe(true)
  })

  test('counts like lists of sizes do', () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'remove', 'forget'),
      client: fc.constantFrom('x1', 'x2', 'y1'),
      bytes: fc.integer({ min: 0, max: 6 }),
    })
    checkProperty(
      'queue ledger: counts like lists do',
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const ledger = new QueueLedger({ queuedMessages: 5, queuedBytes: 12 })
        const queues = new Map<string, number[]>()
        for (const { kind, client, bytes } of steps) {
          const queue = queues.get(client) ?? []
          queues.set(client, queue)
          const identity = client[0] as string
          if (kind === 'add') {
            const all = [...queues].flatMap(([name, sizes]) => (name.startsWith(identity) ? sizes : []))
            const fits = all.length < 5 && all.reduce((sum, size) => sum + size, 0) + bytes <= 12
            expect(ledger.add(client, identity, bytes)).toBe(fits)
            if (fits) queue.push(bytes)
          } else if (kind === 'remove') {
            ledger.remove(client, queue.shift() ?? 0)
          } else {
            ledger.forget(client)
            queues.set(client, [])
          }
        }
      }),
    )
  })
})
