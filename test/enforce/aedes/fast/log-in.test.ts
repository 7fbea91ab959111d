import type { Aedes, Client } from 'aedes'
import { afterEach, describe, expect, test } from 'vitest'
import type { AedesBroker } from '../../../../src/enforce/aedes/shape.ts'
import { type Plant, startPlant } from '../../../support/plant.ts'
import { RawClient } from '../../../support/raw-client.ts'

let plant: Plant
afterEach(() => plant.close())

const broker = (): Aedes & Pick<AedesBroker, 'persistence'> => plant.broker as never

/** Fields of aedes' client that its log-in sets. */
const fields = [
  'id',
  'clean',
  'version',
  'connecting',
  'connected',
  'connackSent',
  'closed',
  '_authorized',
  '_keepaliveInterval',
  '_paused',
  '_parsingBatch',
  '_connectTimer',
] as const

const will = { topic: 'plant/s1/pump-7/telemetry/gone', payload: Buffer.from('gone'), qos: 1, retain: false }

/** What a host sees of one log-in, and how its client stands once it has answered a PINGREQ. */
async function observed(fastPath: boolean, connect: Record<string, unknown>): Promise<unknown> {
  plant = await startPlant({ fastPath })
  const told: string[] = []
  for (const event of ['client', 'connackSent', 'clientReady'])
    broker().on(event as never, (...values: never[]) => {
      const client = values.at(-1) as unknown as Client
      told.push(`${event} ${client.id} ${client.connected} ${JSON.stringify(values.slice(0, -1))}`)
    })
  const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7', connect)
  client.send({ cmd: 'pingreq' })
  expect(await client.next()).toMatchObject({ cmd: 'pingresp' })
  const inside = (broker() as never as AedesBroker).clients['pump-7'] as unknown as Record<string, unknown>
  const state = Object.fromEntries(fields.map(name => [name, inside[name]]))
  const hasWill = inside['will'] !== null && inside['will'] !== undefined
  await client.close()
  const result = { told, state, hasWill, hasTimer: inside['_keepaliveTimer'] !== null }
  await plant.close()
  return result
}

describe('a clean log-in on the fast path leaves aedes as its own log-in does', () => {
  test.each([
    ['with nothing besides', {}],
    ['with a will and a keep-alive', { will, keepalive: 60 }],
    ['in MQTT 3.1', { protocolId: 'MQIsdp', protocolVersion: 3 }],
  ])('%s', async (_name, connect) => {
    expect(await observed(true, connect)).toEqual(await observed(false, connect))
  })
})

describe('a clean log-in on the fast path', () => {
  test('ends with the connection where the store fails, and the next one is let in', async () => {
    plant = await startPlant({ fastPath: true })
    const { persistence } = broker()
    const { cleanSubscriptions } = persistence
    persistence.cleanSubscriptions = () => Promise.reject(new Error('the disk is full'))
    const client = await RawClient.open(plant.port, await plant.as('pump-7'))
    expect(await client.login('pump-7').catch(() => 'closed')).toBe('closed')
    const event = await plant.event(one => one.event === 'connect-refused')
    expect(event).toMatchObject({ problem: { code: 'enforce/protocol-error' } })
    persistence.cleanSubscriptions = cleanSubscriptions
    const next = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(next.code).toBe(0)
    await next.client.close()
  })

  test('of a client that goes meanwhile registers nobody and sends no will', async () => {
    plant = await startPlant({ fastPath: true })
    const { client: operator } = await RawClient.connect(plant.port, await plant.as('ops-1'), 'ops-1/desk')
    await operator.subscribe('plant/s1/#')
    const { persistence } = broker()
    const { putWill } = persistence
    let reached = (): void => undefined
    const isStoring = new Promise<void>(resolve => {
      reached = resolve
    })
    let goOn = (): void => undefined
    persistence.putWill = async (...rest) => {
      reached()
      await new Promise<void>(resolve => {
        goOn = resolve
      })
      return putWill.apply(persistence, rest)
    }
    const client = await RawClient.open(plant.port, await plant.as('pump-7'))
    const before = broker().connectedClients
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: 'pump-7',
      clean: true,
      keepalive: 0,
      will,
    } as never)
    await isStoring
    client.socket.destroy()
    expect(await plant.event(one => one.event === 'connect-refused')).toMatchObject({
      problem: { code: 'enforce/protocol-error' },
    })
    goOn()
    persistence.putWill = putWill
    const { client: again, code } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(code).toBe(0)
    expect(broker().connectedClients).toBe(before + 1)
    await again.publish('plant/s1/pump-7/telemetry/temp', '21.5')
    expect(await operator.next()).toMatchObject({ topic: 'plant/s1/pump-7/telemetry/temp' })
    await again.close()
    await operator.close()
  })

  test('that the host refuses is answered as the host says', async () => {
    plant = await startPlant({ fastPath: true })
    broker().authenticate = (_client, _username, _password, done) =>
      done(Object.assign(new Error('not today'), { returnCode: 4 }) as never, null as never)
    const { code } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(code).toBe(4)
  })
})
