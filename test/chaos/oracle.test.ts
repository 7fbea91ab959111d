/** The oracle finds the faults that are planted here, and no others. */
import { describe, expect, test } from 'vitest'
import { Oracle, type Qos } from './oracle.ts'
import { allOpen, policyText, type Rules, switches, type Who } from './rules.ts'

const pump: Who = { role: 'device', name: 'pump-1' }
const operator: Who = { role: 'operator', name: 'ops-1' }
const desk = 'ops-1/desk'
const extra = 'plant/s1/pump-1/extra/a'
const filter = 'plant/s1/+/extra/#'
const closed: Rules = new Map([['receive extra', 'removed']])
const mute: Rules = new Map([['publish extra', 'denied']])

function watched(): Oracle {
  const oracle = new Oracle(allOpen)
  oracle.sessionStarts(desk, operator)
  oracle.subscribed(desk, filter, 0)
  return oracle
}

const gets = (
  oracle: Oracle,
  number: number,
  change: { topic?: string; qos?: Qos; retain?: boolean; since?: number } = {},
) => oracle.deliver(desk, operator, { number, topic: extra, qos: 1, retain: false, since: 0, ...change })
const kinds = (oracle: Oracle): readonly string[] => oracle.findings.map(({ kind }) => kind)

function acknowledged(oracle: Oracle, qos: Qos = 1): number {
  const number = oracle.sending(pump, extra, qos, oracle.newest)
  oracle.acknowledged(number)
  return number
}

describe('lost', () => {
  test('is what was acknowledged and does not come', () => {
    const oracle = watched()
    gets(oracle, acknowledged(oracle))
    const lost = acknowledged(oracle)
    expect(oracle.owes(desk)).toBe(1)
    oracle.finish()
    expect(oracle.findings).toMatchObject([{ kind: 'lost', number: lost, clientId: desk }])
  })

  test.each<[string, (oracle: Oracle) => void]>([
    ['was never acknowledged', oracle => void oracle.sending(pump, extra, 1, 0)],
    ['was sent at QoS 0', oracle => void acknowledged(oracle, 0)],
    [
      'came before the subscription',
      oracle => {
        oracle.sessionStarts(desk, operator)
        acknowledged(oracle)
        oracle.subscribed(desk, filter, 0)
      },
    ],
    [
      'was unsubscribed from',
      oracle => {
        acknowledged(oracle)
        oracle.unsubscribing(desk, filter)
      },
    ],
    [
      'was forbidden for a while',
      oracle => {
        acknowledged(oracle)
        oracle.policyWritten(closed)
        oracle.policyWritten(allOpen)
      },
    ],
    [
      'is of a subscription that was forbidden for a while',
      oracle => {
        oracle.policyWritten(closed)
        oracle.policyWritten(allOpen)
        acknowledged(oracle)
      },
    ],
    [
      'is of a subscription that may have been granted under an older policy',
      oracle => {
        oracle.sessionStarts(desk, operator)
        oracle.policyWritten(closed)
        oracle.policyWritten(allOpen)
        oracle.subscribed(desk, filter, 0)
        acknowledged(oracle)
      },
    ],
    [
      'may have been forbidden to its sender, and acknowledged as a repeat',
      oracle => {
        const number = oracle.sending(pump, extra, 1, 0)
        oracle.policyWritten(mute)
        oracle.acknowledged(number)
      },
    ],
    [
      'is of a session that began anew',
      oracle => {
        acknowledged(oracle)
        oracle.sessionStarts(desk, operator)
      },
    ],
  ])('is nothing that %s', (_, act) => {
    const oracle = watched()
    act(oracle)
    oracle.finish()
    expect(oracle.findings).toEqual([])
  })
})

describe('leaked', () => {
  test('is what every policy forbids that can have decided it', () => {
    const oracle = watched()
    const number = acknowledged(oracle)
    const edit = oracle.policyWritten(closed)
    // the broker has not said that the edit is in force
    gets(oracle, number, { since: edit - 1 })
    expect(oracle.findings).toEqual([])
    gets(oracle, number, { since: edit })
    expect(kinds(oracle)).toEqual(['leaked'])
  })

  test('is nothing as soon as a policy that permits it has been written', () => {
    const oracle = watched()
    const edit = oracle.policyWritten(closed)
    oracle.policyWritten(allOpen)
    gets(oracle, acknowledged(oracle), { since: edit })
    expect(oracle.findings).toEqual([])
  })

  test('is what nobody sent, on a topic that it was not sent on, or that its sender may not send', () => {
    const oracle = watched()
    gets(oracle, 99)
    gets(oracle, acknowledged(oracle), { topic: 'plant/s1/pump-2/extra/a' })
    const foreign = oracle.sending(pump, 'plant/s1/pump-2/extra/a', 1, 0)
    gets(oracle, foreign, { topic: 'plant/s1/pump-2/extra/a' })
    const edit = oracle.policyWritten(mute)
    gets(oracle, oracle.sending(pump, extra, 1, edit))
    expect(kinds(oracle)).toEqual(['leaked', 'leaked', 'leaked', 'leaked'])
  })

  test('is what a device gets that is for another', () => {
    const oracle = new Oracle(allOpen)
    const number = oracle.sending(operator, 'plant/s1/pump-2/command/a', 1, 0)
    oracle.deliver('pump-1', pump, { number, topic: 'plant/s1/pump-2/command/a', qos: 1, retain: false, since: 0 })
    expect(kinds(oracle)).toEqual(['leaked'])
  })

  test('is to serve a revoked certificate', () => {
    const oracle = watched()
    oracle.servedRevoked('pump-1', 'it was let in')
    expect(kinds(oracle)).toEqual(['leaked'])
  })
})

test('duplicated is what comes twice at QoS 2, and neither at QoS 1, nor retained, nor in another session', () => {
  const oracle = watched()
  const number = acknowledged(oracle, 2)
  gets(oracle, number)
  gets(oracle, number)
  gets(oracle, number, { qos: 2 })
  gets(oracle, number, { qos: 2, retain: true })
  oracle.sessionStarts(desk, operator)
  gets(oracle, number, { qos: 2 })
  expect(oracle.findings).toEqual([])
  gets(oracle, number, { qos: 2 })
  gets(oracle, number, { qos: 2 })
  expect(kinds(oracle)).toEqual(['duplicated'])
})

test('every edit makes another policy text', () => {
  const texts = switches.flatMap((one, index) => [
    policyText(new Map([[one, 'removed']]), index),
    policyText(new Map([[one, 'denied']]), index),
  ])
  expect(new Set(texts).size).toBe(texts.length)
})
