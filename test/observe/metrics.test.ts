/** What is counted of events and asked of a source; a running broker is in test/tool/operate/metrics-of-broker.test.ts. */
import { describe, expect, test } from 'vitest'
import type { MetricsSource } from '../../src/observe/metrics/metrics-source.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { type ProblemCode, problem } from '../../src/problem.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { scraped } from '../support/scrape.ts'
import { ManualClock } from './manual-clock.ts'

const nowMs = Date.UTC(2026, 0, 1)
const hourMs = 3_600_000
const peer = { address: '127.0.0.1' }
const p = (code: ProblemCode) => problem(code, 'no')

const quiet: MetricsSource = {
  sessions: () => ({ live: 3, kept: 5 }),
  connections: () => ({ accepted: 9, open: 4 }),
  permits: () => [],
  policy: () => ({ revision: '0123abcd', rules: 7 }),
  crls: () => [],
  certificates: () => [],
  rechecks: () => 0,
  isReady: () => true,
}

const made = (source: Partial<MetricsSource> = {}, clock = new ManualClock()) => {
  const metrics = createMetrics({ now: () => nowMs, clock, process: false })
  metrics.watch({ ...quiet, ...source })
  const read = async () => scraped(await metrics.text())
  return { metrics, read, clock, tell: (...events: TraceEvent[]) => events.forEach(metrics.trace) }
}

describe('decisions', () => {
  const action = { verb: 'publish', topic: 'a' } as const
  const revision = '0123abcd'

  test('of events and of counts are one metric; refusals are counted by reason too', async () => {
    const { read, tell } = made({ permits: () => [{ action: 'publish', rule: 'plant.yaml:12', count: 1_000_000 }] })
    tell(
      { event: 'connected', peer, revision },
      { event: 'connect-refused', peer, problem: p('bind/owned') },
      { event: 'refused', peer, action, problem: p('decide/denied'), revision },
      { event: 'refused', peer, action: { verb: 'receive', topic: 'a' }, problem: p('decide/denied'), revision },
      { event: 'would-refuse', peer, action, problem: p('decide/denied'), revision },
      // counted in `permits` already
      { event: 'permitted', peer, action, rules: [], revision },
    )
    const all = await read()
    const decisions = [...all].filter(([name]) => name.startsWith('portcullis_decisions_total'))
    expect(Object.fromEntries(decisions)).toEqual({
      'portcullis_decisions_total{effect="permit",action="connect",rule=""}': 1,
      'portcullis_decisions_total{effect="refuse",action="connect",rule=""}': 1,
      'portcullis_decisions_total{effect="refuse",action="publish",rule=""}': 1,
      'portcullis_decisions_total{effect="refuse",action="receive",rule=""}': 1,
      'portcullis_decisions_total{effect="would-refuse",action="publish",rule=""}': 1,
      'portcullis_decisions_total{effect="permit",action="publish",rule="plant.yaml:12"}': 1_000_000,
    })
    expect(all.get('portcullis_refusals_total{action="connect",code="bind/owned"}')).toBe(1)
    expect(all.get('portcullis_refusals_total{action="publish",code="decide/denied"}')).toBe(1)
    // a scrape counts nothing
    expect(await read()).toEqual(all)
  })

  test('a name of a file cannot forge a line', async () => {
    const { metrics } = made({ permits: () => [{ action: 'publish', rule: 'a"\nb\u202e.yaml:1', count: 1 }] })
    const line = (await metrics.text()).split('\n').find(text => text.startsWith('portcullis_decisions_total{'))
    expect(line).toMatch(/^[\u0020-\u007e]+ 1$/)
  })
})

test('connections and sessions, asked and told', async () => {
  const { read, tell } = made()
  tell(
    { event: 'handshake-refused', peer, problem: p('accept/no-certificate') },
    { event: 'handshake-refused', peer, problem: p('accept/no-certificate') },
    { event: 'disconnected', peer },
    { event: 'disconnected', peer, problem: p('bind/taken-over') },
    { event: 'alarm', problem: p('accept/bad-crl') },
  )
  expect(Object.fromEntries(await read())).toMatchObject({
    portcullis_connections_accepted_total: 9,
    portcullis_connections_open: 4,
    portcullis_sessions_live: 3,
    portcullis_sessions_kept: 5,
    portcullis_ready: 1,
    'portcullis_handshakes_refused_total{code="accept/no-certificate"}': 2,
    'portcullis_disconnects_total{code=""}': 1,
    'portcullis_disconnects_total{code="bind/taken-over"}': 1,
    'portcullis_alarms_total{code="accept/bad-crl"}': 1,
  })
})

test('the policy in force, and whether the last change of it was refused', async () => {
  const { read, tell } = made({ policy: () => ({ revision: '0123abcd', rules: 7, bundle: { version: 3 } }) })
  expect(Object.fromEntries(await read())).toMatchObject({
    'portcullis_policy_info{revision="0123abcd",version="3"}': 1,
    portcullis_policy_rules: 7,
    portcullis_policy_reload_ok: 1,
    portcullis_policy_reload_success_timestamp_seconds: nowMs / 1000,
    portcullis_policy_reload_failure_timestamp_seconds: 0,
  })
  tell({ event: 'policy-refused', problems: [], revision: '0123abcd' })
  expect(Object.fromEntries(await read())).toMatchObject({
    portcullis_policy_reload_ok: 0,
    portcullis_policy_reload_failure_timestamp_seconds: nowMs / 1000,
  })
  tell({ event: 'policy-loaded', revision: '0123abcd', rules: 7, tests: 0 })
  expect((await read()).get('portcullis_policy_reload_ok')).toBe(1)
})

test('of several CRLs and CAs of one issuer, what comes first', async () => {
  const crl = { issuer: 'acme', file: 'acme.crl', entries: 2, state: 'fresh' as const }
  const { read } = made({
    crls: () => [
      { ...crl, thisUpdate: nowMs - hourMs, nextUpdate: nowMs + 2 * hourMs },
      { ...crl, thisUpdate: nowMs - 3 * hourMs, nextUpdate: nowMs - hourMs, state: 'stale' },
      { ...crl, issuer: 'other', thisUpdate: nowMs, nextUpdate: nowMs + hourMs },
    ],
    certificates: () => [
      { of: 'broker', notAfter: nowMs + hourMs },
      { of: 'ca', issuer: 'acme', notAfter: nowMs + 9 * hourMs },
      { of: 'ca', issuer: 'acme', notAfter: nowMs + 4 * hourMs },
    ],
  })
  expect(Object.fromEntries(await read())).toMatchObject({
    'portcullis_crl_age_seconds{issuer="acme"}': 3 * 3600,
    'portcullis_crl_next_update_seconds{issuer="acme"}': -3600,
    'portcullis_crl_stale{issuer="acme"}': 1,
    'portcullis_crl_entries{issuer="acme"}': 4,
    'portcullis_crl_stale{issuer="other"}': 0,
    'portcullis_certificate_end_seconds{of="broker",issuer=""}': 3600,
    'portcullis_certificate_end_seconds{of="ca",issuer="acme"}': 4 * 3600,
  })
})

describe('revoke to close', () => {
  const loaded = (issuer: string): TraceEvent => ({ event: 'revocations-loaded', issuer, entries: 1 })
  const closed = (code: ProblemCode): TraceEvent => ({ event: 'disconnected', peer, problem: p(code) })
  const sums = async (read: () => Promise<ReadonlyMap<string, number>>) => {
    const all = await read()
    return [all.get('portcullis_revoke_to_close_seconds_count'), all.get('portcullis_revoke_to_close_seconds_sum')]
  }

  test('is measured from the first CRL that was read with the one that revoked', async () => {
    let rechecks = 4
    const { read, tell, clock } = made({ rechecks: () => rechecks })
    tell(loaded('acme'))
    clock.move(200)
    tell(loaded('other'))
    rechecks++
    clock.move(300)
    tell(closed('accept/revoked'), closed('accept/issuer-revoked'), closed('bind/taken-over'))
    expect(await sums(read)).toEqual([2, 1])
    // an hour later, the next CRL
    clock.move(hourMs)
    tell(loaded('acme'))
    rechecks++
    clock.move(500)
    tell(closed('accept/revoked'))
    expect(await sums(read)).toEqual([3, 1.5])
  })

  test('is nothing where nobody has heard of a CRL', async () => {
    const { read, tell } = made()
    tell(closed('accept/revoked'))
    expect(await sums(read)).toEqual([0, 0])
  })
})
