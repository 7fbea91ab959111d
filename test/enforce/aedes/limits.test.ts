/** The limits of a session over real sockets: n passes, n + 1 is refused. The framer's own are in test/accept/framer/. */
import { Aedes } from 'aedes'
import type { Packet } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import type { Limits } from '../../../src/accept/limits.ts'
import { guard } from '../../../src/enforce/aedes/index.ts'
import { type Plant, type PlantOptions, refusedWith, startPlant } from '../../support/plant.ts'
import { RawClient } from '../../support/raw-client.ts'

let plant: Plant
afterEach(() => plant.close())

const start = async (limits: Partial<Limits>, options: PlantOptions = {}): Promise<void> => {
  plant = await startPlant({ limits, ...options })
}
const connect = async (name: string, clientId = name, options = {}): Promise<RawClient> =>
  (await RawClient.connect(plant.port, await plant.as(name), clientId, options)).client

const commands = ['start', 'stop', 'setpoint'].map(name => `plant/s1/pump-7/command/${name}`)

test('limit subscriptions: enforce/too-many-subscriptions, and the session goes on', async () => {
  await start({ subscriptions: 2 })
  const pump = await connect('pump-7')
  expect(await pump.subscribe(...commands)).toEqual([0, 0, 128])
  await plant.event(refusedWith('enforce/too-many-subscriptions'))
  // one that is there already is no second one, and an UNSUBSCRIBE makes room
  expect(await pump.subscribe(commands[0] as string)).toEqual([0])
  pump.send({ cmd: 'unsubscribe', messageId: 5, unsubscriptions: [commands[0] as string] } as Packet)
  expect(await pump.next()).toMatchObject({ cmd: 'unsuback' })
  expect(await pump.subscribe(commands[2] as string)).toEqual([0])
})

const retainedState = (yaml: string): string => yaml.replace('        retain: false\n', '')

test('limit retainedTopics: enforce/too-many-retained, until one is cleared', async () => {
  await start(
    { retainedTopics: 2 },
    { edit: yaml => retainedState(yaml).replace('onDeniedPublish: disconnect', 'onDeniedPublish: drop') },
  )
  const pump = await connect('pump-7')
  const retain = (name: string, payload: string): Promise<string> =>
    pump.publish(`plant/s1/pump-7/telemetry/${name}`, payload, { retain: true })
  for (const name of ['a', 'b', 'a', 'c']) await retain(name, '1')
  await plant.event(refusedWith('enforce/too-many-retained'))
  await retain('a', '')
  await retain('d', '1')
  const operator = await connect('ops-1', 'ops-1/desk')
  expect(await operator.subscribe('plant/s1/#')).toEqual([0])
  const seen = [await operator.next(), await operator.next()].map(packet => packet?.cmd === 'publish' && packet.topic)
  expect(seen.sort()).toEqual(['plant/s1/pump-7/telemetry/b', 'plant/s1/pump-7/telemetry/d'])
})

test('limit deniedPerMinute: enforce/too-many-denials closes the connection, over reconnects', async () => {
  await start({ deniedPerMinute: 3 })
  const pump = await connect('pump-7')
  for (let count = 0; count < 3; count++) expect(await pump.subscribe('plant/#')).toEqual([128])
  expect(await pump.subscribe('plant/#')).toBe('closed')
  await plant.event(refusedWith('enforce/too-many-denials'))
  const again = await connect('pump-7')
  expect(await again.subscribe(commands[0] as string)).toEqual([0])
  expect(await again.subscribe('plant/#')).toBe('closed')
})

describe('what waits for a kept session', () => {
  const queue = async (limits: Partial<Limits>, payloads: readonly string[]): Promise<readonly string[]> => {
    await start(limits)
    const kept = await connect('ops-1', 'ops-1/desk', { clean: false })
    kept.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'plant/s1/#', qos: 1 }] } as Packet)
    await kept.next()
    await kept.close()
    const pump = await connect('pump-7')
    for (const payload of payloads) await pump.publish('plant/s1/pump-7/telemetry/t', payload)
    const back = await connect('ops-1', 'ops-1/desk', { clean: false })
    // a marker of its own site behind the queue
    const got: string[] = []
    await pump.publish('plant/s1/pump-7/telemetry/t', 'end')
    for (let packet = await back.next(); packet?.cmd === 'publish'; packet = await back.next()) {
      if (String(packet.payload) === 'end') break
      got.push(String(packet.payload))
    }
    return got
  }

  test('limit queuedMessages: enforce/queue-full drops the newest', async () => {
    expect(await queue({ queuedMessages: 3 }, ['1', '2', '3', '4', '5'])).toEqual(['1', '2', '3'])
    await plant.event(refusedWith('enforce/queue-full'))
  })

  test('limit queuedBytes: enforce/queue-full', async () => {
    const size = 'plant/s1/pump-7/telemetry/t'.length + 100
    const payloads = ['1', '2', '3'].map(name => name.repeat(100))
    expect(await queue({ queuedBytes: 2 * size }, payloads)).toEqual(payloads.slice(0, 2))
    await plant.event(refusedWith('enforce/queue-full'))
  })
})

test('what has been delivered at QoS 2 is no longer counted, though its PUBREL took its place in the store', async () => {
  const size = (commands[0] as string).length + 100
  await start({ queuedBytes: 6 * size })
  const keep = async (clientId: string, topic = commands[0]): Promise<RawClient> => {
    const client = await connect('ops-1', clientId, { clean: false })
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic, qos: 2 }] } as Packet)
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [2] })
    return client
  }
  // one message that stays, so that the identity's count is never empty
  await (await keep('ops-1/away', commands[1])).close()
  const speaker = await connect('ops-1', 'ops-1/speaker')
  const say = async (payload: string, topic = commands[0] as string): Promise<void> => {
    speaker.send({
      cmd: 'publish',
      topic,
      payload,
      qos: 2,
      messageId: 9,
      dup: false,
      retain: false,
    })
    expect(await speaker.next()).toMatchObject({ cmd: 'pubrec' })
    speaker.send({ cmd: 'pubrel', messageId: 9 } as Packet)
    expect(await speaker.next()).toMatchObject({ cmd: 'pubcomp' })
  }
  await say('x'.repeat(100), commands[1])
  const listener = await keep('ops-1/listener')
  let open: Packet | undefined
  for (let count = 0; count < 20; count++) {
    await say('x'.repeat(100))
    const message = await listener.next()
    listener.send({ cmd: 'pubrec', messageId: message?.messageId as number } as Packet)
    expect(await listener.next()).toMatchObject({ cmd: 'pubrel' })
    // the one before is completed only now, so that the count of this session is never empty either
    if (open !== undefined) listener.send({ cmd: 'pubcomp', messageId: open.messageId as number } as Packet)
    open = message
  }
  listener.send({ cmd: 'pingreq' } as Packet)
  expect(await listener.next()).toMatchObject({ cmd: 'pingresp' })
  await listener.close()
  for (const name of ['1', '2', '3', '4']) await say(name.repeat(100))
  const back = await connect('ops-1', 'ops-1/listener', { clean: false })
  const got: unknown[] = []
  for (let count = 0; count < 4; count++) {
    let message = await back.next()
    if (message?.cmd === 'pubrel') message = await back.next()
    got.push(message?.cmd === 'publish' && String(message.payload)[0])
  }
  expect(got).toEqual(['1', '2', '3', '4'])
})

test('a message for which there was no room is delivered to who is there, at QoS 2 too', async () => {
  await start({ queuedMessages: 1 })
  const listener = await connect('ops-1', 'ops-1/listener', { clean: false })
  listener.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: commands[0], qos: 2 }] } as Packet)
  await listener.next()
  const speaker = await connect('ops-1', 'ops-1/speaker')
  for (const messageId of [1, 2]) {
    speaker.send({
      cmd: 'publish',
      topic: commands[0] as string,
      payload: 'x',
      qos: 2,
      messageId,
      dup: false,
      retain: false,
    })
  }
  const messages = [await listener.next(), await listener.next()]
  for (const message of messages) {
    listener.send({ cmd: 'pubrec', messageId: message?.messageId as number } as Packet)
    expect(await listener.next()).toMatchObject({ cmd: 'pubrel' })
    listener.send({ cmd: 'pubcomp', messageId: message?.messageId as number } as Packet)
  }
  await plant.event(refusedWith('enforce/queue-full'))
})

describe('a subscriber that does not read', () => {
  const flood = async (qos: 0 | 1): Promise<void> => {
    const stuck = await connect('ops-1', 'ops-1/stuck')
    stuck.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'plant/s1/#', qos }] } as Packet)
    await stuck.next()
    stuck.socket.pause()
    const good = await connect('ops-1', 'ops-1/good')
    expect(await good.subscribe('plant/s1/pump-7/telemetry/t')).toEqual([0])
    const pump = await connect('pump-7')
    const payload = 'x'.repeat(100_000)
    for (let count = 0; count < 200; count++) {
      expect(await pump.publish('plant/s1/pump-7/telemetry/t', payload, { qos: 1 })).toBe('acknowledged')
      // nobody else waits for it
      expect(await good.next()).toMatchObject({ cmd: 'publish' })
    }
    await pump.close()
  }

  test('limit backlogBytes: QoS 1 to it ends the connection with accept/backlog-full, and stalls nobody', async () => {
    await start({ backlogBytes: 1_000_000 })
    await flood(1)
    await plant.event(refusedWith('accept/backlog-full'))
  }, 30_000)

  test('limit writeStallSeconds: at QoS 0 it loses messages (enforce/slow-subscriber), and then ends with accept/write-stalled', async () => {
    await start({ backlogBytes: 1_000_000, writeStallSeconds: 1 })
    const stuck = await connect('ops-1', 'ops-1/stuck')
    expect(await stuck.subscribe('plant/s1/#')).toEqual([0])
    stuck.socket.pause()
    const pump = await connect('pump-7')
    const payload = 'x'.repeat(100_000)
    const isStuck = plant.event(refusedWith('enforce/slow-subscriber')).then(() => true)
    let stopped = false
    void isStuck.then(() => {
      stopped = true
    })
    // acknowledged, so that the loop goes no faster than the broker; the subscription is QoS 0
    while (!stopped) expect(await pump.publish('plant/s1/pump-7/telemetry/t', payload)).toBe('acknowledged')
    await plant.event(refusedWith('accept/write-stalled'))
  }, 30_000)
})

describe('a broker that keeps sessions of its own', () => {
  test('has had none of the guard: what has no owner is ended, bind/unowned', async () => {
    await start({})
    const kept = { id: 'pump-7' }
    const inner = (plant.broker as unknown as { persistence: unknown }).persistence as {
      asyncPersistence: { addSubscriptions(client: object, subs: object[]): Promise<void> }
    }
    await inner.asyncPersistence.addSubscriptions(kept, [{ topic: commands[0], qos: 1 }])
    const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7', { clean: false })
    await plant.event(refusedWith('bind/unowned'))
    await client.close()
  })

  test('needs a store for their owners: enforce/owner-store-missing', async () => {
    await start({})
    class LastingPersistence {}
    const broker = await Aedes.createBroker()
    Object.assign(broker, { persistence: new LastingPersistence() })
    expect(() => guard(broker, plant.gate)).toThrow(/enforce\/owner-store-missing/)
    await new Promise<void>(resolve => broker.close(() => resolve()))
  })
})
