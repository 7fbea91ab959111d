/** The sessions of a gate as an operator sees and ends them: real sockets, real certificates (docs/semantics.md 2.4, 3.7). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Plant, startPlant } from '../support/plant.ts'
import { RawClient } from '../support/raw-client.ts'

const own = 'plant/s1/pump-7/telemetry/t'
const command = 'plant/s1/pump-7/command/start'
const by = 'admin'

let plant: Plant
beforeEach(async () => {
  plant = await startPlant()
})
afterEach(() => plant.close())

async function connect(name: string, clientId = name, options: Record<string, unknown> = {}): Promise<RawClient> {
  const { client, code } = await RawClient.connect(plant.port, await plant.as(name), clientId, options)
  expect(code).toBe(0)
  return client
}

/** Leaves a kept session of pump-7 with one subscription. */
async function leaveKept(): Promise<void> {
  const pump = await connect('pump-7', 'pump-7', { clean: false })
  pump.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: command, qos: 1 }] })
  expect(await pump.next()).toMatchObject({ granted: [1] })
  await pump.close()
  await plant.event(({ event }) => event === 'disconnected')
}

describe('what there is', () => {
  test('live and kept sessions, each once', async () => {
    await leaveKept()
    await connect('pump-8', 'pump-8', { clean: false })
    await connect('ops-1', 'ops-1/a')
    expect([...plant.gate.sessions.clientIds].sort()).toEqual(['ops-1/a', 'pump-7', 'pump-8'])
    expect(plant.gate.sessions.count).toEqual({ live: 2, kept: 1 })
    const pump = plant.gate.sessions.find('pump-7')
    expect(pump?.live).toBeUndefined()
    expect(pump?.kept?.mapping?.identity.kind).toBe('device')
    expect(plant.gate.sessions.find('pump-8')?.live?.since).toBeLessThanOrEqual(Date.now())
    expect(plant.gate.sessions.find('nobody')).toBeUndefined()
  })

  test('the broker side: subscriptions at the QoS granted, what waits, what was decided', async () => {
    await leaveKept()
    const ops = await connect('ops-1', 'ops-1/a')
    expect(await ops.subscribe('plant/s1/pump-8/#')).toEqual([0])
    expect(await ops.subscribe('plant/s9/#')).toEqual([128])
    expect(await ops.publish(command, 'now')).toBe('acknowledged')
    const side = await plant.guarded.inspect('ops-1/a')
    expect(side.subscriptions).toEqual([{ topic: 'plant/s1/pump-8/#', qos: 0 }])
    expect(side.decided).toEqual({ permits: 2, refusals: 1 })
    const kept = await plant.guarded.inspect('pump-7')
    expect(kept).toEqual({
      subscriptions: [{ topic: command, qos: 1 }],
      queued: { messages: 1, bytes: command.length + 3 },
      decided: undefined,
    })
    expect((await plant.guarded.inspect('__proto__')).decided).toBeUndefined()
  })
})

describe('a kick', () => {
  test('closes the connection, and it may come back to what is kept', async () => {
    const pump = await connect('pump-7', 'pump-7', { clean: false })
    await pump.subscribe(command)
    expect(await plant.gate.sessions.kick('pump-7', { forget: false, by })).toEqual({ wasLive: true, forgotten: false })
    await pump.closed
    expect(plant.events.find(({ event }) => event === 'disconnected')).toMatchObject({
      problem: { code: 'bind/kicked' },
    })
    expect(await plant.event(({ event }) => event === 'kicked')).toMatchObject({
      peer: { who: 'device:site=s1,device=pump-7', clientId: 'pump-7', address: '127.0.0.1' },
      by,
      forgotten: false,
    })
    await connect('pump-7', 'pump-7', { clean: false })
    expect((await plant.guarded.inspect('pump-7')).subscriptions).toHaveLength(1)
  })

  test('sends the will, as a lost connection would', async () => {
    const ops = await connect('ops-1', 'ops-1/a')
    await ops.subscribe('plant/s1/#')
    const will = { topic: own, payload: Buffer.from('gone'), qos: 0, retain: false }
    await connect('pump-7', 'pump-7', { will })
    await plant.gate.sessions.kick('pump-7', { forget: true, by })
    expect(await ops.next()).toMatchObject({ cmd: 'publish', topic: own, payload: Buffer.from('gone') })
  })

  test('with forget: nothing is left to resume', async () => {
    const pump = await connect('pump-7', 'pump-7', { clean: false })
    await pump.subscribe(command)
    expect(await plant.gate.sessions.kick('pump-7', { forget: true, by })).toEqual({ wasLive: true, forgotten: true })
    expect(plant.gate.sessions.find('pump-7')).toBeUndefined()
    await connect('pump-7', 'pump-7', { clean: false })
    expect((await plant.guarded.inspect('pump-7')).subscriptions).toEqual([])
  })

  test('of a kept session: only with forget', async () => {
    await leaveKept()
    const { sessions } = plant.gate
    expect(await sessions.kick('pump-7', { forget: false, by })).toEqual({ wasLive: false, forgotten: false })
    expect(plant.events.some(({ event }) => event === 'kicked')).toBe(false)
    expect(await sessions.kick('pump-7', { forget: true, by })).toEqual({ wasLive: false, forgotten: true })
    expect(await plant.event(({ event }) => event === 'kicked')).toMatchObject({
      peer: { address: 'offline', clientId: 'pump-7', who: 'device:site=s1,device=pump-7' },
      forgotten: true,
    })
    expect((await plant.guarded.inspect('pump-7')).subscriptions).toEqual([])
  })

  test('of nobody is told as such', async () => {
    expect(await plant.gate.sessions.kick('nobody', { forget: true, by })).toEqual({ wasLive: false, forgotten: false })
  })

  test('against take-overs: whoever races, one connection is left or none, and the id stays usable', async () => {
    const credentials = await plant.as('pump-7')
    for (let round = 0; round < 10; round++) {
      const racing = [0, 1, 2].map(() =>
        RawClient.connect(plant.port, credentials, 'pump-7', { clean: round % 2 === 0 }),
      )
      const kicks = [0, 1].map(forget => plant.gate.sessions.kick('pump-7', { forget: forget === 1, by }))
      const [clients] = await Promise.all([Promise.all(racing), Promise.all(kicks)])
      const { wasLive } = await plant.gate.sessions.kick('pump-7', { forget: true, by })
      await Promise.all(clients.map(({ client }) => client.closed))
      expect(clients.filter(({ code }) => code === 0).length).toBeGreaterThanOrEqual(wasLive ? 1 : 0)
      expect(plant.gate.sessions.find('pump-7')).toBeUndefined()
    }
    await connect('pump-7')
  })
})

test('the permits that the log leaves out are told only while somebody wants them', async () => {
  const pump = await connect('pump-7')
  await pump.publish(own)
  const seen: string[] = []
  plant.gate.otherPermits = ({ event }) => void seen.push(event)
  await pump.publish(own)
  await pump.publish(own)
  plant.gate.otherPermits = undefined
  await pump.publish(own)
  expect(seen).toEqual(['permitted', 'permitted'])
  // of the first use of the rule the log was told, and only of that
  expect(plant.events.filter(({ event }) => event === 'permitted')).toHaveLength(1)
})
