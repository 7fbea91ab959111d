/** The desk behind a guarded broker, asked over its socket: real certificates, real devices, and what becomes of each command. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AdminDesk } from '../../../src/tool/admin/admin-desk.ts'
import { AdminError, askAdmin, askOnce } from '../../../src/tool/admin/ask-admin.ts'
import type { AdminRequest } from '../../../src/tool/admin/protocol.ts'
import type { SessionDetail, SessionRow } from '../../../src/tool/admin/session-row.ts'
import type { StatusReport } from '../../../src/tool/admin/status-report.ts'
import type { RunningBroker } from '../../../src/tool/start-guarded.ts'
import { type Plant, startPlant } from '../../support/plant.ts'
import { RawClient } from '../../support/raw-client.ts'

const own = 'plant/s1/pump-7/telemetry/t'
let plant: Plant
let desk: AdminDesk
let path: string
let nowMs: number
beforeEach(async () => {
  nowMs = Date.now()
  desk = new AdminDesk({ policies: 'policies', now: () => nowMs })
  plant = await startPlant({ trace: event => desk.trace(event) })
  path = join(plant.folder, 'admin.sock')
  const running = {
    gate: plant.gate,
    inspect: plant.guarded.inspect,
    address: plant.listener.address,
    fastPath: true,
    close: async () => undefined,
  } as unknown as RunningBroker
  await desk.open(path, running, join(plant.folder, 'certs-dev', 'server.pem'))
})
afterEach(async () => {
  await desk.close()
  await plant.close()
})

async function connect(name: string, clientId = name, options: Record<string, unknown> = {}): Promise<RawClient> {
  const { client, code } = await RawClient.connect(plant.port, await plant.as(name), clientId, options)
  expect(code).toBe(0)
  return client
}

async function ask<T>(request: AdminRequest, key: string): Promise<T> {
  return (await askOnce(path, request)).get(key) as T
}

const show = (clientId: string) => ask<SessionDetail>({ command: 'session show', clientId }, 'session')
const status = () => ask<StatusReport>({ command: 'status' }, 'status')

async function list(...identity: string[]): Promise<readonly SessionRow[]> {
  const rows: SessionRow[] = []
  for await (const fields of askAdmin(path, { command: 'session list', identity })) {
    if (fields.get('end') === true) return rows.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1))
    rows.push(...(fields.get('sessions') as SessionRow[]))
  }
  throw new Error('the list has no end')
}

/** The lines of a watch, once it stands. */
async function watch(request: { readonly refused: boolean }) {
  const stop = new AbortController()
  const wanted = { command: 'watch', who: [], topic: undefined, format: 'json', ...request } as const
  const answers = askAdmin(path, wanted, stop.signal)
  expect([...((await answers.next()).value ?? [])]).toContainEqual(['ok', true])
  return {
    stop: () => stop.abort(),
    next: async (): Promise<Record<string, unknown>> => {
      const { value } = await answers.next()
      return JSON.parse(String(value?.get('line'))) as Record<string, unknown>
    },
  }
}

test('sessions, live and kept, as a list', async () => {
  const pump = await connect('pump-7', 'pump-7', { clean: false })
  await pump.subscribe('plant/s1/pump-7/command/start')
  await pump.close()
  await plant.event(({ event }) => event === 'disconnected')
  await connect('ops-1', 'ops-1/a')
  expect(await list()).toEqual([
    {
      clientId: 'ops-1/a',
      identity: 'staff:name=ops-1',
      state: 'live',
      address: '127.0.0.1',
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      notAfter: expect.stringMatching(/^\d{4}-.*Z$/),
      subscriptions: 0,
      queued: 0,
    },
    {
      clientId: 'pump-7',
      identity: 'device:site=s1,device=pump-7',
      state: 'kept',
      address: null,
      since: null,
      notAfter: expect.stringMatching(/^\d{4}-.*Z$/),
      subscriptions: 1,
      queued: 0,
    },
  ])
  expect((await list('device')).map(one => one.clientId)).toEqual(['pump-7'])
  expect(await list('nobody')).toEqual([])
})

test('everything of one', async () => {
  const pump = await connect('pump-7')
  await pump.subscribe('plant/s1/pump-7/command/start', 'plant/s1/pump-8/command/start')
  expect(await show('pump-7')).toMatchObject({
    clientId: 'pump-7',
    identity: 'device:site=s1,device=pump-7',
    state: 'live',
    clean: true,
    certificate: {
      subject: 'OU=s1, CN=pump-7',
      issuer: 'acme',
      issuerName: 'O=acme, CN=acme development issuing',
      sha256: plant.gate.liveSession('pump-7')?.peer.fingerprint,
    },
    revision: plant.gate.policy.revision,
    roles: ['sensor', 'everyone'],
    subscriptions: [{ filter: 'plant/s1/pump-7/command/start', qos: 0 }],
    queued: { messages: 0, bytes: 0 },
    decided: { permits: 1, refusals: 1 },
  })
})

test('a kick is told to the device, the operator and the log', async () => {
  const pump = await connect('pump-7')
  const fields = await askOnce(path, { command: 'session kick', clientId: 'pump-7', forget: false })
  expect([fields.get('wasLive'), fields.get('forgotten')]).toEqual([true, false])
  await pump.closed
  expect(await plant.event(({ event }) => event === 'kicked')).toMatchObject({
    by: `admin, uid ${process.getuid?.()}`,
  })
})

test.each(['session show', 'session kick'] as const)('%s of nobody is a problem', async command => {
  const asked = askOnce(path, {
    command,
    clientId: 'nobody',
    ...(command === 'session kick' ? { forget: true } : {}),
  } as never)
  const error: unknown = await asked.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(AdminError)
  expect(error).toMatchObject({ problem: { code: 'tool/no-session' } })
})

test('a watch sees what the log does not: every permit, as long as it is there', async () => {
  const pump = await connect('pump-7')
  await pump.publish(own)
  const { next, stop } = await watch({ refused: false })
  await pump.publish(own)
  await pump.publish(own)
  expect([await next(), await next()]).toMatchObject([
    { event: 'permitted', device: 'device:site=s1,device=pump-7', topic: own },
    { event: 'permitted', topic: own },
  ])
  expect(plant.gate.otherPermits).toBeDefined()
  await pump.publish('plant/s1/pump-8/telemetry/t')
  expect(await next()).toMatchObject({ event: 'refused', code: 'decide/no-rule' })
  stop()
  // as of the log, only the first use of the rule
  expect(plant.events.filter(({ event }) => event === 'permitted')).toHaveLength(1)
})

test('a watch of refusals asks for no permits', async () => {
  const { next, stop } = await watch({ refused: true })
  expect(plant.gate.otherPermits).toBeUndefined()
  const pump = await connect('pump-7')
  await pump.publish(own)
  await pump.publish('plant/s1/pump-8/telemetry/t')
  expect(await next()).toMatchObject({ event: 'refused' })
  stop()
})

test('a watcher that does not read: the broker goes on, and what it says is little', async () => {
  const { stop } = await watch({ refused: false })
  const pump = await connect('pump-7')
  for (let i = 0; i < 2000; i++) {
    pump.send({ cmd: 'publish', topic: own, payload: 'x'.repeat(100), qos: 0, dup: false, retain: false })
  }
  expect(await pump.publish(own)).toBe('acknowledged')
  expect((await list()).map(one => one.clientId)).toEqual(['pump-7'])
  stop()
})

test('the status of a broker that is well', async () => {
  await connect('pump-7')
  nowMs += 3_600_000
  const report = await status()
  expect(report).toMatchObject({
    portcullis: expect.stringMatching(/^\d+\.\d+\.\d+/),
    pid: process.pid,
    upSeconds: 3600,
    listeners: [`mqtts://127.0.0.1:${plant.port}`],
    policy: { revision: plant.gate.policy.revision, rules: plant.gate.policy.rules },
    reportOnly: false,
    lastReload: null,
    alarms: [],
    sessions: { live: 1, kept: 0 },
    crls: [{ file: expect.stringMatching(/acme\.crl$/), state: 'fresh', entries: 1 }],
    refusals: { minutes: 5, codes: {} },
    trouble: [],
  })
  expect(report.certificates.map(({ name }) => name)).toEqual(['broker', 'acme issuing.pem', 'acme root.pem'])
})

test('a refused change of the policy is trouble until one is taken', async () => {
  const file = join(plant.policies, 'plant.yaml')
  const good = await readFile(file, 'utf8')
  await writeFile(file, 'portcullis: 2\n')
  await plant.gate.reload()
  const refused = await status()
  expect(refused.trouble).toEqual(['the last change of the policy was refused'])
  expect(refused.lastReload).toMatchObject({ outcome: 'refused' })
  expect(refused.lastReload?.problems.join()).toContain('policy/')
  // as it was before: what is in force has not moved, and all is well again
  await writeFile(file, good)
  await plant.gate.reload()
  expect(await status()).toMatchObject({ lastReload: { outcome: 'loaded', problems: [] }, trouble: [] })
})

test('a CRL past its time and certificates that end are trouble', async () => {
  nowMs += 7.5 * 86_400_000
  expect((await status()).trouble).toEqual([
    expect.stringMatching(/^the CRL .*acme\.crl should have been replaced by /),
  ])
  nowMs += 86_400_000
  expect((await status()).trouble).toEqual([expect.stringMatching(/^the CRL .*acme\.crl is stale: /)])
  nowMs += 352 * 86_400_000
  expect((await status()).trouble).toContainEqual(expect.stringMatching(/^the certificate of broker ends on /))
  nowMs += 10 * 86_400_000
  expect((await status()).trouble).toContainEqual(expect.stringMatching(/^the certificate of broker ended on /))
})

test('a broker that only reports topics says so, and alarms are shown', async () => {
  const telling = new AdminDesk({ policies: 'policies', now: () => nowMs })
  const reporting = await startPlant({ reportOnly: true, trace: event => telling.trace(event) })
  const socket = join(reporting.folder, 'a.sock')
  const { gate, guarded, listener } = reporting
  const running = {
    gate,
    inspect: guarded.inspect,
    address: listener.address,
    fastPath: true,
    close: async () => undefined,
  } as unknown as RunningBroker
  await telling.open(socket, running, join(reporting.folder, 'certs-dev', 'server.pem'))
  const report = (await askOnce(socket, { command: 'status' })).get('status')
  expect(report).toMatchObject({
    reportOnly: true,
    alarms: [{ at: new Date(nowMs).toISOString(), text: expect.stringContaining('config/report-only: ') }],
    trouble: [],
  })
  await telling.close()
  await reporting.close()
})

test('refusals are counted by code, and forgotten after five minutes', async () => {
  const pump = await connect('pump-7')
  await pump.subscribe('a', 'b')
  nowMs += 60_000
  await pump.subscribe('c')
  expect((await status()).refusals.codes).toEqual({ 'decide/no-rule': 3 })
  nowMs += 4 * 60_000
  expect((await status()).refusals.codes).toEqual({ 'decide/no-rule': 1 })
  nowMs += 60_000
  expect((await status()).refusals.codes).toEqual({})
})
