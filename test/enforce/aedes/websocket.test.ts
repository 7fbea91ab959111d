/** MQTT over WebSocket on a second port (5.2): the same gate, and nothing that a browser could be made to do. */
import { once } from 'node:events'
import https from 'node:https'
import tls from 'node:tls'
import mqtt from 'mqtt'
import { afterEach, describe, expect, test } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'
import type { Limits } from '../../../src/accept/limits.ts'
import { connectBytes, own, publishBytes } from '../../suites/acts.ts'
import { type Plant, refusedWith, startPlant } from '../../support/plant.ts'
import { RawClient } from '../../support/raw-client.ts'

const listed = 'https://panel.example'
let plant: Plant
afterEach(() => plant.close())

const start = async (limits: Partial<Limits> = {}): Promise<void> => {
  plant = await startPlant({ wsOrigins: [listed], limits })
}
const url = (path = '/mqtt'): string => `wss://localhost:${plant.wsPort}${path}`
const open = async (name: string, options: ClientOptions = {}, path?: string, protocol: string | string[] = 'mqtt') =>
  new WebSocket(url(path), protocol, { ...(await plant.as(name)), ...options })

/** `open`, the HTTP status that refused it, or the error. */
async function outcome(client: WebSocket): Promise<string> {
  return new Promise(resolve => {
    client.once('open', () => resolve('open'))
    client.once('unexpected-response', (_request, response) => resolve(String(response.statusCode)))
    client.once('error', error => resolve(error.message))
  })
}

describe('MQTT over WebSocket (5.2)', () => {
  test('a device publishes and an operator on the other port hears it; the policy holds', async () => {
    await start()
    const { client: operator } = await RawClient.connect(plant.port, await plant.as('ops-1'), 'ops-1/desk')
    expect(await operator.subscribe('plant/s1/#')).toEqual([0])
    const pump = await mqtt.connectAsync(url(), {
      ...(await plant.as('pump-7')),
      clientId: 'pump-7',
      reconnectPeriod: 0,
    })
    await pump.publishAsync(own, 'over WebSocket', { qos: 1 })
    expect(await operator.next()).toMatchObject({ cmd: 'publish', topic: own })
    const closed = new Promise<void>(resolve => pump.once('close', () => resolve()))
    pump.publish('plant/s1/pump-8/telemetry/t', 'not its own', { qos: 1 })
    await closed
    await plant.event(refusedWith('decide/no-rule'))
    await pump.endAsync(true)
  })

  test('a borrowed client id is refused, whichever way it comes', async () => {
    await start()
    const client = await open('pump-8')
    await once(client, 'open')
    client.send(connectBytes('pump-7'))
    const [answer] = (await once(client, 'message')) as [Buffer]
    expect([...answer]).toEqual([0x20, 2, 0, 2])
    await once(client, 'close')
  })

  test('packets may be cut and joined by frames as they like', async () => {
    await start()
    const { client: operator } = await RawClient.connect(plant.port, await plant.as('ops-1'), 'ops-1/desk')
    await operator.subscribe('plant/s1/#')
    const client = await open('pump-7')
    await once(client, 'open')
    const bytes = Buffer.concat([connectBytes('pump-7'), publishBytes(own, 'a'), publishBytes(own, 'b')])
    for (const byte of bytes) client.send(Buffer.of(byte))
    expect(await operator.next()).toMatchObject({ payload: Buffer.from('a') })
    expect(await operator.next()).toMatchObject({ payload: Buffer.from('b') })
    client.send(Buffer.concat([publishBytes(own, 'c'), publishBytes(own, 'd')]))
    expect(await operator.next()).toMatchObject({ payload: Buffer.from('c') })
    expect(await operator.next()).toMatchObject({ payload: Buffer.from('d') })
    client.terminate()
  })

  test.each<[string, string, ClientOptions, string | undefined, string | string[]]>([
    ['a web page of another origin', '403', { origin: 'https://evil.example' }, undefined, 'mqtt'],
    ['a file in a browser', '403', { origin: 'null' }, undefined, 'mqtt'],
    ['another path', '404', {}, '/', 'mqtt'],
    ['another path behind the right one', '404', {}, '/mqtt/../x', 'mqtt'],
    ['no subprotocol', '400', {}, undefined, []],
    ['another subprotocol', '400', {}, undefined, 'chat'],
  ])('%s is refused with %s', async (_what, status, options, path, protocol) => {
    await start()
    expect(await outcome(await open('ops-1', options, path, protocol))).toBe(status)
    await plant.event(refusedWith('accept/websocket-refused'))
  })

  test('a listed origin may connect, and compression is not agreed on', async () => {
    await start()
    const client = await open('ops-1', { origin: listed, perMessageDeflate: true })
    expect(await outcome(client)).toBe('open')
    expect(client.extensions).toBe('')
    expect(client.protocol).toBe('mqtt')
    client.terminate()
  })

  test('a text frame closes, before and after CONNECT', async () => {
    await start()
    for (const isLoggedIn of [false, true]) {
      const client = await open('pump-7')
      await once(client, 'open')
      if (isLoggedIn) {
        client.send(connectBytes('pump-7'))
        await once(client, 'message')
      }
      client.send('text')
      await once(client, 'close')
    }
  })

  test('who is not trusted is gone before a byte of HTTP is read', async () => {
    await start()
    for (const name of ['intruder', 'none']) {
      const { ca, ...own } = await plant.as(name === 'none' ? 'pump-7' : name)
      const client = new WebSocket(url(), 'mqtt', { ca, ...(name === 'none' ? {} : own) })
      expect(await outcome(client)).not.toBe('open')
    }
    await plant.event(refusedWith('accept/unknown-issuer'))
    await plant.event(refusedWith('accept/no-certificate'))
  })

  test('silence, and what is no HTTP, are gone in time', async () => {
    await start({ connectSeconds: 1 })
    for (const bytes of ['', 'GET /mqtt HTTP/1.1\r\n', '\u0010\u0000\u0000']) {
      const socket = tls.connect({ port: plant.wsPort, host: 'localhost', ...(await plant.as('pump-7')) })
      socket.on('error', () => undefined)
      socket.resume()
      socket.write(bytes)
      await once(socket, 'close')
    }
    const upgraded = await open('pump-7')
    await once(upgraded, 'close')
    await plant.event(refusedWith('accept/websocket-refused'))
    await plant.event(refusedWith('enforce/connect-timeout'))
  })

  test('an ordinary request is told to upgrade', async () => {
    await start()
    const request = https.get({ port: plant.wsPort, path: '/mqtt', ...(await plant.as('ops-1')) })
    const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }]
    expect(response.statusCode).toBe(426)
    response.resume()
  })

  test('before a session is bound a few kilobytes are enough for anybody', async () => {
    await start()
    const client = await open('pump-7')
    client.on('error', () => undefined)
    await once(client, 'open')
    // one message that never ends: no frame of it is the last
    for (let count = 0; count < 20; count++) client.send(Buffer.alloc(16 * 1024), { fin: false })
    await once(client, 'close')
    await plant.event(refusedWith('accept/websocket-refused'))
  })
})
