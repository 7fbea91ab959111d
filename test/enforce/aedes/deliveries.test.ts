/** A store takes its time: what overtakes, repeats or changes meanwhile loses nothing, doubles nothing, and leaks nothing (2.5, 3.4, 3.8). */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import type { Packet } from 'mqtt-packet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryOwnerStore } from '../../../src/bind/owner-store.ts'
import { guard, listen } from '../../../src/enforce/aedes/index.ts'
import type { AedesPersistence, AedesPublish } from '../../../src/enforce/aedes/shape.ts'
import { openGate } from '../../../src/open-gate.ts'
import { ensureDevCerts } from '../../../src/provision/dev-certs.ts'
import { RawClient } from '../../support/raw-client.ts'
import { SuiteCerts } from '../../support/suite-certs.ts'

type Slow = 'outgoingEnqueueCombi' | 'outgoingUpdate'

const temp = 'plant/s1/pump-7/telemetry/temp'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-deliveries-'))
  await ensureDevCerts(folder, () => new Date())
  await cp(new URL('../../../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
  await rm(join(folder, 'policies', 'plant.test.yaml'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/**
 * A broker whose store has done its work on the message `slow`, and says so only when it is released. With `isLate`, the store is
 * not even asked before that, as when the event loop is busy; with `isLasting`, it is a host's own that outlives the process.
 */
async function start(slow: Slow, { isLate = false, isLasting = false } = {}) {
  const broker = await Aedes.createBroker()
  let release = (): void => undefined
  let isReached = (): void => undefined
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  const reached = new Promise<void>(resolve => {
    isReached = resolve
  })
  const { persistence } = broker as unknown as { readonly persistence: AedesPersistence }
  const own = (persistence as { readonly asyncPersistence?: object }).asyncPersistence ?? persistence
  if (isLasting) Object.defineProperty(own, 'constructor', { value: class HostsOwn {} })
  const holdUp = (): void => {
    const method = persistence[slow].bind(persistence) as (to: never, packet: AedesPublish) => Promise<unknown>
    Object.assign(persistence, {
      [slow]: async (to: never, packet: AedesPublish) => {
        const isHeld = String(packet.payload) === 'slow'
        const done = isHeld && isLate ? undefined : await method(to, packet)
        if (!isHeld) return done
        isReached()
        await released
        return isLate ? method(to, packet) : done
      },
    })
  }
  if (!isLate) holdUp()
  const failing = new Set<string>()
  for (const name of ['incomingGetPacket', 'incomingDelPacket', 'delWill', 'subscriptionsByTopic'] as const) {
    const asked = persistence[name].bind(persistence) as (...args: never[]) => Promise<never>
    persistence[name] = async (...args: never[]) => {
      if (failing.has(name)) throw new Error('the store is away')
      return asked(...args)
    }
  }
  const issuers = { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } }
  const gate = await openGate({
    policies: join(folder, 'policies'),
    baseFolder: folder,
    issuers,
    watch: false,
    ...(isLasting && { owners: new MemoryOwnerStore() }),
  })
  const tls = { keyFile: join(folder, 'server.key'), certFile: join(folder, 'server.pem') }
  const guarded = guard(broker, gate)
  // what aedes asks is what the guard has made of the store
  if (isLate) holdUp()
  const listener = await listen(guarded, { port: 0, host: '127.0.0.1', tls })
  const certs = new SuiteCerts(folder)
  return {
    gate,
    certs,
    reached,
    release: () => release(),
    /** Methods of the store that fail now. */
    failing,
    /** aedes begins at a random one with every connection. */
    nextIdentifier: (clientId: string, messageId: number): void => {
      const { clients } = broker as unknown as { readonly clients: Record<string, object> }
      Object.assign(clients[clientId] as object, { _nextId: messageId })
    },
    login: async (name: string, clientId = name, clean = true) => {
      const { client } = await RawClient.connect(listener.address.port, await certs.credentials(name), clientId, {
        clean,
      })
      return client
    },
    stop: async () => {
      await listener.close()
      await gate.close()
      await new Promise<void>(resolve => broker.close(() => resolve()))
    },
  }
}

async function subscribe(client: RawClient, qos: 1 | 2, ...filters: string[]): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: filters.map(topic => ({ topic, qos })) } as Packet)
  expect(await client.next()).toMatchObject({ cmd: 'suback' })
}

const publish = (client: RawClient, payload: string, qos: 0 | 1 | 2): void =>
  client.send({ cmd: 'publish', topic: temp, payload, qos, messageId: 7, dup: false, retain: false } as Packet)

/** Up to `last`, which is not acknowledged either. */
async function payloads(client: RawClient, last: string): Promise<readonly string[]> {
  const got: string[] = []
  while (got.at(-1) !== last) {
    const packet = await client.next()
    if (packet === undefined) throw new Error(`closed after ${got.join(' ')}`)
    if (packet.cmd === 'publish') got.push(String(packet.payload))
  }
  return got
}

test.each([true, false])(
  'a message that is overtaken while it is stored is delivered (clean session: %s)',
  async clean => {
    const broker = await start('outgoingEnqueueCombi')
    const kept = await broker.login('audit-1', 'audit-1/kept', false)
    await subscribe(kept, 1, 'plant/#')
    const operator = await broker.login('ops-1', 'ops-1/desk', clean)
    await subscribe(operator, 1, 'plant/s1/#')
    const pump = await broker.login('pump-7')
    publish(pump, 'slow', 1)
    await broker.reached
    publish(pump, 'fast', 0)
    expect(await payloads(operator, 'fast')).toEqual(['fast'])
    broker.release()
    expect(await payloads(operator, 'slow')).toEqual(['slow'])
    await broker.stop()
  },
)

test('a message that is stored just when its session comes back is sent once', async () => {
  const broker = await start('outgoingEnqueueCombi')
  const before = await broker.login('ops-1', 'ops-1/desk', false)
  await subscribe(before, 2, 'plant/s1/#')
  await before.close()
  const pump = await broker.login('pump-7')
  publish(pump, 'slow', 1)
  await broker.reached
  const operator = await broker.login('ops-1', 'ops-1/desk', false)
  expect(await payloads(operator, 'slow')).toEqual(['slow'])
  broker.release()
  expect(await pump.next()).toMatchObject({ cmd: 'puback' })
  publish(pump, 'end', 0)
  expect(await payloads(operator, 'end')).toEqual(['end'])
  await broker.stop()
})

test.each([
  ['stored', false],
  ['about to be stored', true],
])('a delivery that the policy forbids by the time it is %s is not made, and does not wait', async (_, isLate) => {
  const broker = await start('outgoingUpdate', { isLate })
  const operator = await broker.login('ops-1', 'ops-1/desk', false)
  await subscribe(operator, 1, 'plant/s1/#')
  const pump = await broker.login('pump-7')
  publish(pump, 'slow', 1)
  await broker.reached
  const file = join(folder, 'policies', 'plant.yaml')
  const yaml = await readFile(file, 'utf8')
  await writeFile(file, yaml.replace('      - { publish: plant/+/+/config/#, accept:', `      - receive: ${temp}\n$&`))
  await broker.gate.reload()
  broker.release()
  operator.send({ cmd: 'pingreq' } as Packet)
  expect(await operator.next()).toMatchObject({ cmd: 'pingresp' })
  await writeFile(file, yaml)
  await broker.gate.reload()
  await operator.close()
  const again = await broker.login('ops-1', 'ops-1/desk', false)
  await subscribe(again, 1, 'plant/s1/#')
  const device = await broker.login('pump-7')
  publish(device, 'end', 0)
  expect(await payloads(again, 'end')).toEqual(['end'])
  await broker.stop()
})

test('what was being sent when a newer certificate superseded that of the session waits for the newer one', async () => {
  const stop = 'plant/s1/pump-7/command/stop'
  const broker = await start('outgoingUpdate')
  const before = await broker.login('pump-7', 'pump-7', false)
  await subscribe(before, 1, stop)
  await before.close()
  const operator = await broker.login('ops-1', 'ops-1/desk')
  for (const payload of ['slow', 'last']) await publishWholly(operator, stop, payload)
  const old = await broker.login('pump-7', 'pump-7', false)
  await broker.reached
  await broker.certs.revoke('pump-7', 'superseded')
  await broker.gate.reloadTrust()
  await old.closed
  broker.release()
  const renewed = await broker.login('pump-7 renewed', 'pump-7', false)
  expect(await payloads(renewed, 'last')).toEqual(['slow', 'last'])
  await broker.stop()
})

test('what came by one of two overlapping subscriptions waits until it is acknowledged', async () => {
  const broker = await start('outgoingUpdate')
  const operator = await broker.login('ops-1', 'ops-1/desk', false)
  await subscribe(operator, 1, 'plant/s1/#', 'plant/s1/+/telemetry/#')
  const pump = await broker.login('pump-7')
  publish(pump, 'one', 1)
  expect(await payloads(operator, 'one')).toEqual(['one'])
  operator.send({ cmd: 'pingreq' } as Packet)
  expect(await operator.next()).toMatchObject({ cmd: 'pingresp' })
  await operator.close()
  expect(await payloads(await broker.login('ops-1', 'ops-1/desk', false), 'one')).toEqual(['one'])
  await broker.stop()
})

test('no message gets the packet identifier of one that is still on its way [MQTT-2.3.1-4]', async () => {
  const stop = 'plant/s1/pump-7/command/stop'
  const broker = await start('outgoingUpdate')
  const operator = await broker.login('ops-1', 'ops-1/desk')
  const command = (payload: string): Promise<void> => publishWholly(operator, stop, payload)
  const first = await broker.login('pump-7', 'pump-7', false)
  await subscribe(first, 2, stop)
  for (const [index, payload] of ['one', 'two'].entries()) {
    broker.nextIdentifier('pump-7', 11 + index)
    await command(payload)
    expect(await first.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from(payload), messageId: 11 + index })
  }
  // one has been received, two has not
  first.send({ cmd: 'pubrec', messageId: 11 } as Packet)
  expect(await first.next()).toMatchObject({ cmd: 'pubrel', messageId: 11 })
  await first.close()

  const second = await broker.login('pump-7', 'pump-7', false)
  expect(await second.next()).toMatchObject({ cmd: 'pubrel', messageId: 11 })
  expect(await second.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('two'), messageId: 12 })
  broker.nextIdentifier('pump-7', 11)
  await command('three')
  expect(await second.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('three'), messageId: 13 })
  // this one is free again
  second.send({ cmd: 'pubcomp', messageId: 11 } as Packet)
  second.send({ cmd: 'pingreq' })
  expect(await second.next()).toMatchObject({ cmd: 'pingresp' })
  broker.nextIdentifier('pump-7', 11)
  await command('four')
  expect(await second.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('four'), messageId: 11 })
  await broker.stop()
})

test.each(['incomingGetPacket', 'incomingDelPacket'] as const)(
  'a store that fails where a message of QoS 2 is known (%s) ends the connection: it is delivered once, and so is the next',
  async method => {
    const topic = 'plant/s1/pump-7/command/stop'
    const broker = await start('outgoingUpdate')
    const pump = await broker.login('pump-7')
    await subscribe(pump, 1, topic)
    const first = await broker.login('ops-1', 'ops-1/desk', false)
    const one = (dup: boolean): Packet =>
      ({ cmd: 'publish', topic, payload: 'one', qos: 2, messageId: 7, dup, retain: false }) as Packet
    first.send(one(false))
    expect(await first.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 })
    broker.failing.add(method)
    first.send(method === 'incomingGetPacket' ? one(true) : ({ cmd: 'pubrel', messageId: 7 } as Packet))
    expect(await first.next()).toBeUndefined()
    broker.failing.clear()

    const second = await broker.login('ops-1', 'ops-1/desk', false)
    second.send(one(true))
    expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 })
    second.send({ cmd: 'pubrel', messageId: 7 } as Packet)
    expect(await second.next()).toMatchObject({ cmd: 'pubcomp', messageId: 7 })
    await publishWholly(second, topic, 'two')
    for (const payload of ['one', 'two'])
      expect(await pump.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from(payload) })
    await broker.stop()
  },
)

test.each([1, 2] as const)(
  'a store that cannot say for whom a message of QoS %i is ends the connection: it is acknowledged when it can',
  async qos => {
    const topic = 'plant/s1/pump-7/command/stop'
    const broker = await start('outgoingUpdate', { isLasting: true })
    const pump = await broker.login('pump-7', 'pump-7', false)
    await subscribe(pump, 1, topic)
    await pump.close()
    const first = await broker.login('ops-1', 'ops-1/desk', false)
    const one = (dup: boolean): Packet =>
      ({ cmd: 'publish', topic, payload: 'one', qos, messageId: 7, dup, retain: false }) as Packet
    broker.failing.add('subscriptionsByTopic')
    first.send(one(false))
    expect(await first.next()).toBeUndefined()
    broker.failing.clear()
    const second = await broker.login('ops-1', 'ops-1/desk', false)
    second.send(one(true))
    expect(await second.next()).toMatchObject({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: 7 })
    const back = await broker.login('pump-7', 'pump-7', false)
    expect(await back.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('one') })
    await broker.stop()
  },
)

test('a store that fails where the will of a log-in is to be replaced ends that connection, and nothing else', async () => {
  const broker = await start('outgoingUpdate')
  const pump = await broker.login('pump-7')
  await (await broker.login('ops-1', 'ops-1/desk', false)).close()
  broker.failing.add('delWill')
  const desk = await broker.login('ops-1', 'ops-1/desk', false)
  expect(await desk.next()).toBeUndefined()
  broker.failing.clear()
  const again = await broker.login('ops-1', 'ops-1/desk', false)
  await subscribe(again, 1, 'plant/s1/#')
  publish(pump, 'on', 1)
  expect(await again.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('on') })
  await broker.stop()
})

/** At QoS 2, to its end. */
async function publishWholly(client: RawClient, topic: string, payload: string): Promise<void> {
  client.send({ cmd: 'publish', topic, payload, qos: 2, messageId: 7, dup: false, retain: false } as Packet)
  expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 7 })
  client.send({ cmd: 'pubrel', messageId: 7 } as Packet)
  expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 7 })
}
