/** Sink: the decision log, as JSON and as plain lines. Every event with every name in every place that can hold one. */
import { describe, expect, test } from 'vitest'
import { budgetRefusals } from '../../src/observe/budget.ts'
import { logTrace } from '../../src/observe/log.ts'
import { problem } from '../../src/problem.ts'
import type { Trace, TraceEvent } from '../../src/trace.ts'
import { everyName, expectShown, fleet, jsonLines, stringsIn } from './fleet.ts'

function logOf(format: 'json' | 'plain', tell: (trace: Trace) => void, policies = 'policies'): string {
  const written: string[] = []
  tell(logTrace({ format, write: line => written.push(line), policies, now: () => new Date(0) }))
  // one write is one line
  expect(written.filter(line => line.indexOf('\n') !== line.length - 1)).toEqual([])
  return written.join('')
}

/** Every kind of event, the name wherever a value from outside can stand. */
function eventsWith(name: string): readonly TraceEvent[] {
  const where = { file: `policies/${name}`, line: 3 }
  const p = problem('decide/no-rule', `no rule allows ${name}`, { where, help: `see ${name}` })
  const peer = { address: name, fingerprint: 'f'.repeat(64), subject: name, who: name, clientId: name }
  const { who: _, ...unknownPeer } = peer
  const action = { verb: 'publish' as const, topic: name, qos: 1, retain: false, payloadBytes: 3 }
  const rules = [{ role: name, effect: 'allow' as const, action: 'publish', filters: [{ text: name }], where }]
  const revision = name
  return [
    { event: 'handshake-refused', peer: unknownPeer, problem: p },
    { event: 'connect-refused', peer, problem: p },
    { event: 'connect-refused', peer: unknownPeer, problem: p, action: { verb: 'connect', topic: name } },
    { event: 'connected', peer, revision },
    { event: 'disconnected', peer, problem: p },
    { event: 'refused', peer, action, problem: p, revision },
    { event: 'refused', peer, action: { ...action, verb: 'will' }, problem: p, revision },
    { event: 'kicked', peer, by: name, forgotten: true },
    { event: 'permitted', peer, action, rules: [...rules, ...rules], revision },
    { event: 'suppressed', peer, count: 2, codes: { 'decide/no-rule': 2 }, seconds: 60 },
    { event: 'policy-loaded', revision, rules: 1, tests: 1 },
    {
      event: 'policy-changed',
      before: revision,
      revision,
      changes: [`+ every ${name} gains publish ${name}`],
      more: 1,
    },
    { event: 'would-refuse', peer, action, problem: p, revision },
    {
      event: 'candidate-differs',
      peer,
      action,
      effect: 'permit',
      candidate: 'refuse',
      problem: p,
      revision,
      candidateRevision: revision,
    },
    {
      event: 'candidate-differs',
      peer,
      action,
      effect: 'refuse',
      candidate: 'permit',
      rules,
      revision,
      candidateRevision: revision,
    },
    { event: 'candidate-loaded', revision, rules: 1, tests: 1 },
    { event: 'candidate-refused', revision, problems: [p] },
    {
      event: 'policy-changed',
      before: revision,
      revision,
      changes: [`+ every ${name} gains publish ${name}`],
      more: 1,
    },
    { event: 'policy-refused', problems: [p, p], revision },
    { event: 'revocations-loaded', issuer: name, entries: 1 },
    { event: 'alarm', problem: p },
  ]
}

describe('the log', () => {
  test.each(Object.entries(fleet))('as JSON: %s', (_, name) => {
    const lines = eventsWith(name).map(event => jsonLines(logOf('json', trace => trace(event))))
    expect(lines.map(one => one.length)).toEqual(lines.map(() => 1))
    for (const [line] of lines) expect(stringsIn(line).some(value => value.includes(name))).toBe(true)
    // whatever a name says, it is a value, never a member of its own
    expect(lines.flat().filter(line => 'forged' in line)).toEqual([])
  })

  test.each(Object.entries(fleet))('plain: %s', (_, name) => {
    for (const event of eventsWith(name)) {
      const line = logOf('plain', trace => trace(event))
      expect(line.split('\n')).toHaveLength(2)
      // who has an identity is told by it, and it is the same name here
      expectShown(line, [name])
    }
  })

  test('fields keep the name itself, not only some text around it', () => {
    const events = everyName.map(
      (name): TraceEvent => ({
        event: 'connected',
        peer: { address: name, subject: name, clientId: name },
        revision: name,
      }),
    )
    const lines = jsonLines(logOf('json', trace => events.forEach(trace)))
    const fields = ['address', 'subject', 'clientId', 'revision']
    expect(lines.map(line => fields.map(field => line[field]))).toEqual(everyName.map(name => fields.map(() => name)))
  })

  test('a policy folder of such a name: no line to paste, or one that says what it says', () => {
    const action = { verb: 'publish' as const, topic: 'a' }
    const refusal: TraceEvent = {
      event: 'refused',
      peer: { address: '::1', who: 'device:device=pump-7' },
      action,
      problem: problem('decide/no-rule', 'no rule'),
      revision: '0',
    }
    const pasted = everyName.flatMap(name =>
      jsonLines(logOf('json', trace => trace(refusal), name)).flatMap(line => line['explain'] ?? []),
    )
    expect(pasted).toContain(
      "npx portcullis policy explain device:device=pump-7 publish a '--policies=<img src=x onerror=alert(1)>&lt;\"'\\'''",
    )
    expect(pasted.length).toBeLessThan(everyName.length)
  })

  test('a flood that is counted', () => {
    const lines: string[] = []
    const log = logTrace({ format: 'json', write: line => lines.push(line), policies: 'policies' })
    const { trace, close } = budgetRefusals(log, { refusalsPerMinute: 1 })
    for (const name of everyName) {
      const peer = { address: name, fingerprint: name, subject: name, clientId: name }
      for (let n = 0; n < 3; n += 1) trace({ event: 'connect-refused', peer, problem: problem('decide/no-rule', name) })
    }
    close()
    const counted = jsonLines(lines.join('')).filter(line => line['event'] === 'suppressed')
    expect(counted.map(line => line['subject'])).toEqual(everyName)
  })
})
