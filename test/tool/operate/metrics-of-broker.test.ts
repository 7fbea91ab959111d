/** Metrics of a running broker: real devices, real revocations, and every permit counted though only the first is told. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMetrics, type Metrics } from '../../../src/observe/metrics.ts'
import { Readiness } from '../../../src/observe/readiness.ts'
import { gateChecks } from '../../../src/tool/operate/gate-checks.ts'
import { metricsSource } from '../../../src/tool/operate/metrics-source.ts'
import { type Plant, startPlant } from '../../support/plant.ts'
import { RawClient } from '../../support/raw-client.ts'
import { scraped } from '../../support/scrape.ts'
import { SuiteCerts } from '../../support/suite-certs.ts'

const own = 'plant/s1/pump-7/telemetry/temp'
const dayMs = 86_400_000
let clock = () => Date.now()
let plant: Plant
let metrics: Metrics
let readiness: Readiness
beforeEach(async () => {
  clock = () => Date.now()
  metrics = createMetrics({ process: false })
  readiness = new Readiness()
  plant = await startPlant({ now: () => clock(), trace: metrics.trace })
  for (const check of gateChecks(plant.gate)) readiness.add(check)
  metrics.watch(metricsSource(plant.gate, plant.listener, readiness))
})
afterEach(() => plant.close())

const read = async () => scraped(await metrics.text())
const login = async (name: string, connect = {}): Promise<RawClient> => {
  const { client, code } = await RawClient.connect(plant.port, await plant.as(name), name, connect)
  expect(code).toBe(0)
  return client
}
const ofPermits = (all: ReadonlyMap<string, number>, action: string): readonly number[] =>
  [...all]
    .filter(([name]) => name.startsWith(`portcullis_decisions_total{effect="permit",action="${action}",rule="`))
    .map(([, count]) => count)

test.each(['fast', 'plain'])('every permit is counted by its rule, on the %s path', async path => {
  const other = await startPlant({ fastPath: path === 'fast', trace: metrics.trace })
  try {
    metrics.watch(metricsSource(other.gate, other.listener, readiness))
    const open = async (name: string, clientId = name) => RawClient.connect(other.port, await other.as(name), clientId)
    const { client: ops } = await open('ops-1', 'ops-1/desk')
    expect(await ops.subscribe('plant/s1/#')).toEqual([0])
    const { client: pump } = await open('pump-7')
    for (let n = 0; n < 5; n++) expect(await pump.publish(own)).toBe('acknowledged')
    for (let n = 0; n < 5; n++) expect(await ops.next()).toMatchObject({ cmd: 'publish' })
    const all = await read()
    expect(ofPermits(all, 'publish')).toEqual([5])
    expect(ofPermits(all, 'receive')).toEqual([5])
    expect(ofPermits(all, 'subscribe')).toEqual([1])
    expect(all.get('portcullis_decisions_total{effect="permit",action="connect",rule=""}')).toBe(2)
    const rule = [...all.keys()].find(name => name.includes('action="publish",rule="'))
    expect(rule).toMatch(/rule="[^"]*plant\.yaml:\d+"/)
    // told only once
    expect(other.events.filter(event => event.event === 'permitted' && event.action.verb === 'publish')).toHaveLength(1)
  } finally {
    await other.close()
  }
})

test('connections, sessions, refusals', async () => {
  await login('pump-7')
  await login('pump-8', { clean: false })
  await RawClient.connect(plant.port, await plant.as('intruder'), 'pump-7').catch(() => undefined)
  await plant.event(event => event.event === 'handshake-refused')
  const all = await read()
  expect(all.get('portcullis_sessions_live')).toBe(2)
  expect(all.get('portcullis_sessions_kept')).toBe(1)
  expect(all.get('portcullis_connections_accepted_total')).toBe(3)
  expect([...all].filter(([name]) => name.startsWith('portcullis_handshakes_refused_total'))).toHaveLength(1)
  // whoever may scrape learns of no device
  expect(await metrics.text()).not.toMatch(/pump-|intruder|127\.0\.0\.1/)
})

test('a revocation is timed until the socket is closed', async () => {
  const client = await login('pump-7')
  await new SuiteCerts(join(plant.folder, 'certs-dev')).revoke('pump-7')
  await plant.gate.reloadTrust()
  await client.closed
  await plant.event(event => event.event === 'disconnected')
  const all = await read()
  expect(all.get('portcullis_revoke_to_close_seconds_count')).toBe(1)
  expect(all.get('portcullis_revoke_to_close_seconds_sum')).toBeLessThan(5)
})

test('CRL, certificates, and a policy change that is refused and taken back', async () => {
  const before = await read()
  expect(before.get('portcullis_crl_next_update_seconds{issuer="acme"}')).toBeGreaterThan(0)
  expect(before.get('portcullis_crl_age_seconds{issuer="acme"}')).toBeGreaterThanOrEqual(0)
  expect(before.get('portcullis_certificate_end_seconds{of="broker",issuer=""}')).toBeGreaterThan(0)
  expect(before.get('portcullis_certificate_end_seconds{of="ca",issuer="acme"}')).toBeGreaterThan(0)
  const file = join(plant.policies, 'plant.yaml')
  const good = await readFile(file, 'utf8')
  await writeFile(file, `${good}\nnonsense: true\n`)
  await plant.gate.reload()
  expect((await read()).get('portcullis_policy_reload_ok')).toBe(0)
  await writeFile(file, good)
  await plant.gate.reload()
  expect((await read()).get('portcullis_policy_reload_ok')).toBe(1)
  await plant.gate.reload()
  expect(plant.events.filter(event => event.event === 'policy-loaded')).toHaveLength(1)
})

test('a CRL past its grace, and a clock before it, are not ready (4.4, 4.5)', async () => {
  expect(readiness.reasons()).toEqual([])
  clock = () => Date.now() + 400 * dayMs
  expect(readiness.reasons()).toMatchObject([{ name: 'crl', problem: { code: 'accept/stale-crl' } }])
  expect((await read()).get('portcullis_ready')).toBe(0)
  expect((await read()).get('portcullis_crl_stale{issuer="acme"}')).toBe(1)
  clock = () => Date.now() - dayMs
  expect(readiness.reasons()).toMatchObject([{ name: 'clock', problem: { code: 'accept/clock-set-back' } }])
  clock = () => Date.now()
  expect(readiness.reasons()).toEqual([])
})
