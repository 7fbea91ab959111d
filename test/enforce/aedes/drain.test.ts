/** A broker that stops ends its sessions politely: what was written is sent, wills tell those who are left (3.7). */

import { once } from 'node:events'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import WebSocket, { createWebSocketStream } from 'ws'
import { type Plant, startPlant } from '../../support/plant.ts'
import { RawClient } from '../../support/raw-client.ts'

const own = 'plant/s1/pump-7/telemetry/temp'
let plant: Plant
afterEach(() => plant.close())

const login = async (name: string, clientId = name, connect = {}): Promise<RawClient> => {
  const { client, code } = await RawClient.connect(plant.port, await plant.as(name), clientId, connect)
  expect(code).toBe(0)
  return client
}
const will = { will: { topic: own, payload: Buffer.from('gone'), qos: 1, retain: false } }
const codes = () => plant.events.flatMap(event => (event.event === 'disconnected' ? [event.problem?.code] : []))

describe.each([true, false])('fast path: %s', fastPath => {
  test('wills first, and everybody is told why in the log', async () => {
    plant = await startPlant({ fastPath })
    const ops = await login('ops-1', 'ops-1/desk')
    expect(await ops.subscribe('plant/s1/#')).toEqual([0])
    const pump = await login('pump-7', 'pump-7', will)
    const kept = await login('pump-8', 'pump-8', { clean: false })
    plant.listener.stop()
    const drained = plant.guarded.drain(5000)
    expect(await ops.next()).toMatchObject({ cmd: 'publish', topic: own })
    expect(await ops.next()).toBe(undefined)
    expect(await drained).toEqual({ ended: 3, left: 0 })
    await Promise.all([pump.closed, kept.closed])
    expect(codes()).toEqual(Array(3).fill('enforce/draining'))
    expect(plant.gate.sessions.totals).toEqual({ live: 0, kept: 1 })
    await expect(RawClient.open(plant.port, await plant.as('pump-7'))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

test('the will of a session that may not publish any more is not sent', async () => {
  plant = await startPlant({ edit: yaml => yaml })
  const ops = await login('ops-1', 'ops-1/desk')
  expect(await ops.subscribe('plant/s1/#')).toEqual([0])
  const pump = await login('pump-7', 'pump-7', will)
  // a hook of the host that says no stands for a policy that has changed since
  plant.broker.authorizePublish = (_client, _packet, done) => done(new Error('no'))
  plant.listener.stop()
  const drained = plant.guarded.drain(5000)
  expect(await ops.next()).toBe(undefined)
  expect(await drained).toEqual({ ended: 2, left: 0 })
  await pump.closed
})

test('over WebSocket too', async () => {
  plant = await startPlant({ wsOrigins: [] })
  const credentials = await plant.as('pump-7')
  const socket = tls.connect({ port: plant.wsPort, host: '127.0.0.1', servername: 'localhost', ...credentials })
  await once(socket, 'secureConnect')
  const web = new WebSocket('wss://localhost/mqtt', 'mqtt', { createConnection: () => socket })
  const stream = createWebSocketStream(web)
  await once(web, 'open')
  const client = new RawClient(socket, stream)
  expect(await client.login('pump-7')).toBe(0)
  const [drained] = await Promise.all([plant.guarded.drain(5000), once(web, 'close')])
  expect(drained).toEqual({ ended: 1, left: 0 })
})

test('more than a slice, all of them', async () => {
  plant = await startPlant({
    edit: yaml => yaml.replace('clientId: "${name}/+"', 'maxSessions: 200\n    clientId: "${name}/+"'),
  })
  for (let n = 0; n < 150; n++) await login('ops-1', `ops-1/desk${n}`)
  expect(await plant.guarded.drain(10_000)).toEqual({ ended: 150, left: 0 })
  expect(codes()).toHaveLength(150)
})

test('who does not hang up is left when the time is over', async () => {
  plant = await startPlant()
  const socket = tls.connect({
    ...{ port: plant.port, host: '127.0.0.1', servername: 'localhost', allowHalfOpen: true },
    ...(await plant.as('pump-7')),
  })
  await once(socket, 'secureConnect')
  const client = new RawClient(socket)
  expect(await client.login('pump-7')).toBe(0)
  expect(await plant.guarded.drain(1)).toEqual({ ended: 0, left: 1 })
  socket.destroy()
})
