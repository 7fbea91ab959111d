/** Behind a load balancer that speaks PROXY protocol v2: its clients count, and are told, as coming from where it says (5.3). */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { type Plant, refusedWith, startPlant } from '../../support/plant.ts'
import { RawClient } from '../../support/raw-client.ts'

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Version 2, PROXY, TCP over IPv4; the rest as HAProxy writes it. */
function header(from: string, { versionAndCommand = 0x21, family = 0x11 } = {}): Buffer {
  const addresses = Buffer.from([...from.split('.').map(Number), 127, 0, 0, 1, 0xc0, 0x01, 0x22, 0xb3])
  return Buffer.concat([signature, Buffer.from([versionAndCommand, family, 0, addresses.length]), addresses])
}

let plant: Plant
afterEach(() => plant.close())

async function open(before: Buffer): Promise<Socket> {
  const socket = connect(plant.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.setNoDelay(true)
  if (before.length > 0) socket.write(before)
  return socket
}

/** TLS and CONNECT behind these bytes. */
async function login(before: Buffer, name = 'pump-7'): Promise<number | 'closed'> {
  const credentials = await plant.as(name)
  const tcp = await open(before)
  const socket = tls.connect({ socket: tcp, servername: 'localhost', ...credentials })
  socket.on('error', () => undefined)
  const isSecure = await new Promise<boolean>(resolve => {
    socket.once('secureConnect', () => resolve(true))
    tcp.once('close', () => resolve(false))
  })
  return isSecure ? new RawClient(socket).login(name) : 'closed'
}

const addressesOf = (event: string): string[] =>
  plant.events.flatMap(one => (one.event === event && 'peer' in one && one.peer ? [one.peer.address] : []))

describe('from a listed address', () => {
  test('the header says where a client comes from', async () => {
    plant = await startPlant({ proxyFrom: ['127.0.0.0/8'] })
    expect(await login(header('203.0.113.7'))).toBe(0)
    expect(addressesOf('connected')).toEqual(['203.0.113.7'])
  })

  test('a health check of the load balancer itself (LOCAL) is served as such', async () => {
    plant = await startPlant({ proxyFrom: ['127.0.0.1'] })
    expect(await login(header('203.0.113.7', { versionAndCommand: 0x20 }))).toBe(0)
    expect(addressesOf('connected')).toEqual(['127.0.0.1'])
  })

  test('limits count the addresses behind it (5.3)', async () => {
    plant = await startPlant({ proxyFrom: ['127.0.0.1'], limits: { unauthenticatedPerAddress: 1 } })
    await open(header('203.0.113.7'))
    // the same address once more, and another
    await open(header('203.0.113.7'))
    await plant.event(refusedWith('accept/too-many-waiting'))
    expect(addressesOf('handshake-refused')).toEqual(['203.0.113.7'])
    expect(await login(header('203.0.113.8'))).toBe(0)
  })

  test.each([
    ['no header at all', Buffer.alloc(0), 'accept/proxy-header-missing'],
    [
      'the text of version 1',
      Buffer.from('PROXY TCP4 203.0.113.7 127.0.0.1 49153 8883\r\n'),
      'accept/proxy-header-missing',
    ],
    ['a Unix socket', header('203.0.113.7', { family: 0x31 }), 'accept/proxy-header-invalid'],
    ['UDP', header('203.0.113.7', { family: 0x12 }), 'accept/proxy-header-invalid'],
    ['an unknown version', header('203.0.113.7', { versionAndCommand: 0x31 }), 'accept/proxy-header-invalid'],
  ])('%s is refused', async (_what, before, code) => {
    plant = await startPlant({ proxyFrom: ['127.0.0.1'] })
    expect(await login(before)).toBe('closed')
    await plant.event(refusedWith(code))
    expect(addressesOf('handshake-refused')).toEqual(['127.0.0.1'])
  })

  test('a header that never comes whole ends with the deadline of the handshake', async () => {
    plant = await startPlant({ proxyFrom: ['127.0.0.1'], limits: { handshakeSeconds: 1 } })
    const socket = await open(header('203.0.113.7').subarray(0, 20))
    await once(socket, 'close')
    expect(plant.events.some(refusedWith('accept/handshake-timeout'))).toBe(true)
  })
})

test('from an address that is not listed, a header gives nobody another address', async () => {
  plant = await startPlant({ proxyFrom: ['192.0.2.1'] })
  expect(await login(header('192.0.2.1'))).toBe('closed')
  expect(addressesOf('handshake-refused')).toEqual(['127.0.0.1'])
  expect(await login(Buffer.alloc(0))).toBe(0)
})

test('what is no address is no listed address', async () => {
  plant = await startPlant()
  await expect(startPlant({ proxyFrom: ['load-balancer'] })).rejects.toThrow('config/bad-value')
})
