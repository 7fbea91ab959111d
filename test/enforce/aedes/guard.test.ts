import { once } from 'node:events'
import net from 'node:net'
import { PassThrough } from 'node:stream'
import mqttPacket from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guard } from '../../../src/enforce/aedes/index.ts'
import { type Plant, refusedWith, startPlant } from '../../support/plant.ts'
import { RawClient } from '../../support/raw-client.ts'

describe('a guarded broker', () => {
  let plant: Plant
  beforeAll(async () => {
    plant = await startPlant()
  })
  afterAll(() => plant.close())

  const connect = async (name: string, clientId = name, options = {}) =>
    RawClient.connect(plant.port, await plant.as(name), clientId, options)

  test('lets a device publish its own telemetry to an operator who may see it', async () => {
    const { client: operator } = await connect('ops-1', 'ops-1/desk')
    expect(await operator.subscribe('plant/s1/#')).toEqual([0])
    const { client: pump } = await connect('pump-7')
    expect(await pump.publish('plant/s1/pump-7/telemetry/temp', '21.5')).toBe('acknowledged')
    const message = await operator.next()
    expect(message).toMatchObject({ cmd: 'publish', topic: 'plant/s1/pump-7/telemetry/temp' })
    await Promise.all([operator.close(), pump.close()])
  })

  test('closes on a publish to a topic of another device, and says which rule is nearest', async () => {
    const { client } = await connect('pump-7')
    expect(await client.publish('plant/s1/pump-8/telemetry/temp')).toBe('closed')
    const event = await plant.event(refusedWith('decide/no-rule'))
    expect(event).toMatchObject({
      event: 'refused',
      peer: { clientId: 'pump-7', who: 'device:site=s1,device=pump-7' },
      action: { verb: 'publish' },
    })
    expect('problem' in event && event.problem?.where?.line).toBeGreaterThan(0)
  })

  test('answers 0x80 to a filter that is wider than the policy, and keeps the connection', async () => {
    const { client } = await connect('pump-7')
    expect(await client.subscribe('plant/#')).toEqual([128])
    expect(await client.subscribe('plant/s1/pump-7/command/start')).toEqual([0])
    await client.close()
  })

  test.each([
    ['another device', 'pump-8'],
    ['an empty id', ''],
    ['a filter', '#'],
    ['a prefix', 'pump'],
    ['a longer name', 'pump-7x'],
  ])('refuses the client id of %s with CONNACK 2', async (_what, clientId) => {
    const { code } = await connect('pump-7', clientId)
    expect(code).toBe(2)
  })

  test('refuses a revoked certificate with CONNACK 5', async () => {
    const { code } = await connect('pump-5')
    expect(code).toBe(5)
    await plant.event(refusedWith('accept/revoked'))
  })

  test('destroys the connection of a certificate from a foreign CA with the same subject', async () => {
    const { code } = await connect('intruder', 'pump-7').catch(() => ({ code: 'closed' }))
    expect(code).toBe('closed')
    await plant.event(refusedWith('accept/unknown-issuer'))
  })

  test('destroys a connection without a certificate', async () => {
    const { ca } = await plant.as('pump-7')
    const { code } = await RawClient.connect(plant.port, { ca }, 'pump-7').catch(() => ({ code: 'closed' }))
    expect(code).toBe('closed')
    await plant.event(refusedWith('accept/no-certificate'))
  })

  // aedes.md 6: a resumed session is decided like a full one
  test('looks revocation up on a resumed TLS session too', async () => {
    const credentials = await plant.as('pump-5')
    const first = await RawClient.open(plant.port, credentials, { maxVersion: 'TLSv1.2' })
    const session = first.socket.getSession()
    await first.close()
    const second = await RawClient.open(plant.port, credentials, { maxVersion: 'TLSv1.2', session: session as Buffer })
    expect(second.socket.isSessionReused()).toBe(true)
    second.send({
      cmd: 'connect',
      clientId: 'pump-5',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
    })
    expect(await second.next()).toMatchObject({ cmd: 'connack', returnCode: 5 })
  })

  test('binds MQTT 3.1 like 3.1.1, and tells an MQTT 5 client what to set', async () => {
    const old = await connect('pump-7', 'pump-8', { protocolId: 'MQIsdp', protocolVersion: 3 })
    expect(old.code).toBe(2)
    const right = await connect('pump-7', 'pump-7', { protocolId: 'MQIsdp', protocolVersion: 3 })
    expect(right.code).toBe(0)
    await right.client.close()
    const five = await connect('pump-7', 'pump-7', { protocolVersion: 5 })
    // the reason code of MQTT 5 for an unsupported protocol version
    expect(five.code).toBe(0x84)
    const event = await plant.event(refusedWith('accept/protocol-version'))
    expect('problem' in event && event.problem?.help).toContain('set the client to 3.1.1')
  })

  // aedes.md 20
  test('survives a parser error right behind CONNECT', async () => {
    const client = await RawClient.open(plant.port, await plant.as('pump-7'))
    const packet = mqttPacket.generate({
      cmd: 'connect',
      clientId: 'pump-7',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
    })
    client.write(Buffer.concat([packet, Buffer.from([0, 0])]))
    await client.closed
    const { client: next, code } = await connect('pump-7')
    expect(code).toBe(0)
    await next.close()
  })

  // aedes.md 1
  test('does nothing with packets that are pipelined behind a refused CONNECT', async () => {
    const { client: operator } = await connect('ops-1', 'ops-1/pipelined')
    await operator.subscribe('plant/s1/#')
    const client = await RawClient.open(plant.port, await plant.as('pump-8'))
    client.send(
      { cmd: 'connect', clientId: 'pump-7', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 },
      { cmd: 'publish', topic: 'plant/s1/pump-7/telemetry/temp', payload: 'forged', qos: 0, dup: false, retain: false },
    )
    await client.closed
    const { client: pump } = await connect('pump-7')
    await pump.publish('plant/s1/pump-7/telemetry/temp', 'true')
    const message = await operator.next()
    expect(message?.cmd === 'publish' && String(message.payload)).toBe('true')
    await Promise.all([operator.close(), pump.close()])
  })

  // aedes.md 9
  test.each(['a/#/b', 'a+/b', '', '$share/g/plant/s1/#', 'plant/s1/pump-7/command/start\u0000'])(
    'refuses the filter %j',
    async filter => {
      const { client } = await connect('ops-1', 'ops-1/filters')
      const granted = await client.subscribe(filter)
      expect(granted === 'closed' || granted[0] === 128).toBe(true)
      await client.close()
    },
  )

  // aedes.md 10
  test('never publishes to $SYS, nor delivers it to # of an auditor', async () => {
    const { client } = await connect('pump-7')
    expect(await client.publish('$SYS/broker/load')).toBe('closed')
  })

  test('cuts a denied delivery inside a wider subscription, and the next allowed one arrives', async () => {
    const { client: auditor } = await connect('audit-1', 'audit-1/desk')
    expect(await auditor.subscribe('plant/#')).toEqual([0])
    await new Promise<void>(resolve =>
      plant.broker.publish(
        {
          cmd: 'publish',
          topic: 'plant/s1/pump-7/telemetry/secret/code',
          payload: '1',
          qos: 0,
          retain: false,
          dup: false,
        },
        () => resolve(),
      ),
    )
    const { client: pump } = await connect('pump-7')
    await pump.publish('plant/s1/pump-7/telemetry/temp', '2')
    expect(await auditor.next()).toMatchObject({ topic: 'plant/s1/pump-7/telemetry/temp' })
    await plant.event(event => event.event === 'refused' && event.action.verb === 'receive')
    await Promise.all([auditor.close(), pump.close()])
  })

  test('refuses a CONNECT whose will the device may not publish', async () => {
    const will = { topic: 'plant/s1/pump-8/telemetry/state', payload: 'gone', qos: 0, retain: false }
    const { code } = await connect('pump-7', 'pump-7', { will })
    expect(code).toBe(5)
    await plant.event(refusedWith('bind/will-refused'))
  })

  test('refuses every other way into the broker', async () => {
    const stream = new PassThrough()
    plant.broker.handle(stream as never)
    await plant.event(refusedWith('enforce/not-guarded'))
    expect(stream.destroyed).toBe(true)
    expect(() => guard(plant.broker, plant.gate)).toThrow('guarded already')
  })

  test('says in a sentence that a client does not speak TLS', async () => {
    const socket = net.connect(plant.port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await once(socket, 'close')
    const event = await plant.event(refusedWith('accept/handshake-failed'))
    expect('problem' in event && event.problem?.sentence).toBe('the client does not speak TLS on this port')
  })
})

describe('deadlines and hooks', () => {
  // aedes.md 21
  test('limit handshakeSeconds, limit connectSeconds: nothing, half a hello and no CONNECT are closed; a log-in within them stays', async () => {
    const plant = await startPlant({ limits: { handshakeSeconds: 1, connectSeconds: 1 } })
    const silent = net.connect(plant.port, '127.0.0.1')
    const half = net.connect(plant.port, '127.0.0.1')
    half.on('error', () => undefined)
    silent.on('error', () => undefined)
    await Promise.all([once(silent, 'connect'), once(half, 'connect')])
    half.write(Buffer.from([0x16, 0x03, 0x01]))
    const mute = await RawClient.open(plant.port, await plant.as('pump-7'))
    const inTime = await RawClient.connect(plant.port, await plant.as('pump-8'), 'pump-8')
    await Promise.all([once(silent, 'close'), once(half, 'close'), mute.closed])
    expect(await inTime.client.publish('plant/s1/pump-8/telemetry/temp')).toBe('acknowledged')
    await plant.event(refusedWith('accept/handshake-timeout'))
    await plant.event(refusedWith('enforce/connect-timeout'))
    await plant.close()
  })

  // aedes.md 16, 30
  test("refuses where the host's hook throws, also one assigned later, and lives on", async () => {
    const plant = await startPlant()
    plant.broker.authorizePublish = () => {
      throw new Error('a bug of the host')
    }
    const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(await client.publish('plant/s1/pump-7/telemetry/temp')).toBe('closed')
    await plant.event(refusedWith('enforce/internal'))
    plant.broker.authorizePublish = (_client, _packet, callback) => callback(null)
    const again = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(await again.client.publish('plant/s1/pump-7/telemetry/temp')).toBe('acknowledged')
    expect((await RawClient.connect(plant.port, await plant.as('pump-8'), 'pump-8')).client).toBeDefined()
    await plant.close()
  })

  // aedes.md 2
  test('a hook of the host cannot move a client to another id', async () => {
    const plant = await startPlant({
      host: broker => {
        broker.preConnect = (_client, packet, callback) => {
          packet.clientId = 'pump-8'
          callback(null, true)
        }
      },
    })
    const { client, code } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(code).toBe(0)
    expect(Object.keys((plant.broker as unknown as { clients: object }).clients)).toEqual(['pump-7'])
    await client.close()
    await plant.close()
  })

  test('drops and acknowledges a denied publish where the policy says so', async () => {
    const plant = await startPlant({
      edit: yaml => yaml.replace(/onDeniedPublish: *disconnect/, 'onDeniedPublish: drop'),
    })
    const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(await client.publish('plant/s1/pump-8/telemetry/temp')).toBe('acknowledged')
    expect(await client.publish('plant/s1/pump-7/telemetry/temp')).toBe('acknowledged')
    await plant.close()
  })
})

describe('what the guard refuses to be part of', () => {
  test('a broker of another version', async () => {
    const plant = await startPlant()
    expect(() => guard({ version: '0.51.3' }, plant.gate)).toThrow('enforce/broker-version')
    await plant.close()
  })

  test("a CONNECT that the host's own hook refuses is closed, and the reason told", async () => {
    const plant = await startPlant({
      host: broker => {
        broker.preConnect = (_client, _packet, callback) => callback(null, false)
      },
    })
    const { code } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(code).toBe('closed')
    await plant.event(refusedWith('enforce/host-refused'))
    plant.broker.emit('error', new Error('of the broker'))
    await plant.event(refusedWith('enforce/broker-error'))
    await plant.close()
  })

  test('bytes that are not MQTT close the connection with a sentence', async () => {
    const plant = await startPlant()
    const client = await RawClient.open(plant.port, await plant.as('pump-7'))
    client.write(Buffer.from([0x00, 0x00]))
    await client.closed
    await plant.event(refusedWith('accept/not-connect'))
    await plant.close()
  })

  test('a client that is silent for one and a half keep-alives is closed with a sentence', async () => {
    const plant = await startPlant()
    const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7', { keepalive: 1 })
    await client.closed
    const event = await plant.event(refusedWith('enforce/protocol-error'))
    expect('problem' in event && event.problem?.sentence).toContain('keep alive timeout')
    await plant.close()
  })

  test('a subscription is granted no more than the QoS of the policy', async () => {
    const plant = await startPlant({
      edit: yaml =>
        yaml.replace(
          /- subscribe: (plant\/\$\{site\}\/\$\{device\}\/command\/\$\{command\})/,
          '- subscribe: $1\n        maxQos: 0',
        ),
    })
    const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    client.send({ cmd: 'subscribe', messageId: 4, subscriptions: [{ topic: 'plant/s1/pump-7/command/start', qos: 2 }] })
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [0] })
    await plant.close()
  })
})
