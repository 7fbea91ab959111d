/** Before the session exists: nothing passes, and nobody waits for ever. */

import { setTimeout } from 'node:timers/promises'
import type tls from 'node:tls'
import { expect } from 'vitest'
import {
  command,
  connectBytes,
  nextMessage,
  own,
  publishBytes,
  publishOnce,
  session,
  subscribeAt,
  upTo,
} from './acts.ts'
import type { AdapterCase, RunningBroker } from './adapter.ts'

const shortDeadlines = { limits: { handshakeSeconds: 1, connectSeconds: 1 } }

export const beforeSessionCases: readonly AdapterCase[] = [
  {
    name: 'packets behind a refused CONNECT do nothing, in its segment or in the next',
    rules: ['5.1'],
    weaknesses: [1],
    run: async broker => {
      const watcher = await session(broker, 'ops-1', 'ops-1/watch')
      await subscribeAt(watcher, 0, 'plant/s1/#')
      for (const isOneSegment of [true, false]) {
        const liar = await broker.open('pump-8')
        const message = publishBytes('plant/s1/pump-8/telemetry/temp', 'behind a refused CONNECT')
        if (isOneSegment) liar.write(Buffer.concat([connectBytes('pump-7'), message]))
        else {
          liar.write(connectBytes('pump-7'))
          // spread over a few turns, so that it meets the broker while it looks something up
          for (let turn = 0; turn < 8; turn++) {
            await setTimeout(2)
            liar.write(message)
          }
        }
        await liar.closed
      }
      await publishOnce(broker, 'pump-7', own, 'marker')
      expect(await upTo(watcher, 'marker')).toEqual([])
    },
  },
  {
    name: 'nothing passes between CONNECT and its answer, and everything after it',
    rules: ['5.1'],
    run: async broker => {
      const watcher = await session(broker, 'ops-1', 'ops-1/watch')
      await subscribeAt(watcher, 0, 'plant/s1/#')
      const pump = await broker.open('pump-7')
      const many = Array.from({ length: 100 }, (_, index) => publishBytes(own, String(index)))
      pump.write(Buffer.concat([connectBytes('pump-7'), ...many, publishBytes(own, 'marker')]))
      expect(await upTo(watcher, 'marker')).toHaveLength(100)
      await pump.close()
    },
  },
  {
    name: 'a CONNECT that is refused is answered and closed',
    rules: ['2.2', '5.1'],
    weaknesses: [2],
    run: async broker => {
      for (const [name, clientId, code] of [
        ['pump-7', '', 2],
        ['pump-7', 'pump-8', 2],
        ['pump-5', 'pump-5', 5],
        ['pump-7', 'ops-1/desk', 2],
      ] as const) {
        const { client, code: seen } = await broker.connect(name, clientId)
        expect([clientId, seen]).toEqual([clientId, code])
        await client.closed
      }
    },
  },
  {
    name: 'an MQTT 5 client is told so in MQTT 5',
    rules: ['3.9', '5.1'],
    weaknesses: [5],
    run: async broker => {
      const client = await broker.open('pump-7')
      const answer = new Promise<Buffer>(resolve => client.stream.once('data', resolve))
      client.write(connectBytes('pump-7', { protocolVersion: 5 }))
      expect([...(await answer)]).toEqual([0x20, 3, 0, 0x84, 0])
      await client.closed
    },
  },
  {
    name: 'MQTT 3.1 is bound like 3.1.1, and a CONNECT that breaks the standard is closed',
    rules: ['2.2', '5.1'],
    weaknesses: [26],
    run: async broker => {
      const old = { protocolId: 'MQIsdp', protocolVersion: 3 }
      expect((await broker.connect('pump-7', 'pump-8', old)).code).not.toBe(0)
      expect((await broker.connect('pump-7', 'pump-7', old)).code).toBe(0)
      const reserved = connectBytes('pump-7')
      reserved[9] = (reserved[9] as number) | 1
      const passwordOnly = connectBytes('pump-7', { username: 'x', password: 'y' })
      passwordOnly[9] = (passwordOnly[9] as number) & ~0x80
      const trailing = Buffer.concat([connectBytes('pump-7'), Buffer.of(0)])
      trailing[1] = (trailing[1] as number) + 1
      const willQos3 = connectBytes('pump-7', { will: { topic: own, payload: Buffer.from('x'), qos: 2 } })
      willQos3[9] = (willQos3[9] as number) | 0x18
      for (const bytes of [reserved, passwordOnly, trailing, willQos3]) {
        const client = await broker.open('pump-7')
        client.write(bytes)
        expect(await client.next()).toBeUndefined()
      }
    },
  },
  {
    name: 'an odd certificate does not become another device',
    rules: ['1.3', '1.4'],
    weaknesses: [25],
    run: async broker => {
      // a common name of two bytes a letter, which many readers show as pump-7; and two common names
      for (const [name, clientId] of [
        ['bmp-name', 'pump-7'],
        ['two-names', 'pump-7'],
        ['two-names', 'pump-8'],
      ] as const) {
        const { code } = await broker.connect(name, clientId)
        expect([name, clientId, code]).not.toEqual([name, clientId, 0])
      }
    },
  },
  {
    name: 'a revoked certificate does not come back by a resumed TLS session, nor under another client id',
    rules: ['1.2', '4.2'],
    weaknesses: [6],
    needs: ['revoke'],
    run: async broker => {
      const first = await broker.open('pump-8', { maxVersion: 'TLSv1.2' })
      const ticket = first.socket.getSession()
      first.write(connectBytes('pump-8'))
      expect(await first.next()).toMatchObject({ cmd: 'connack', returnCode: 0 })
      await first.close()
      const resumed = await broker.open('pump-8', { maxVersion: 'TLSv1.2', session: ticket as Buffer })
      expect(resumed.socket.isSessionReused()).toBe(true)
      resumed.write(connectBytes('pump-7'))
      expect(await resumed.next()).not.toMatchObject({ returnCode: 0 })
      await broker.revoke('pump-8')
      const revoked = await broker.open('pump-8', { maxVersion: 'TLSv1.2', session: ticket as Buffer })
      revoked.write(connectBytes('pump-8'))
      expect(await revoked.next()).not.toMatchObject({ returnCode: 0 })
    },
  },
  {
    name: 'a resumed TLS session whose certificate has ended is refused',
    rules: ['1.2'],
    weaknesses: [24],
    run: async broker => {
      const options = { maxVersion: 'TLSv1.2' } as const
      const first = await broker.open('short-lived', options)
      const ticket = first.socket.getSession() as Buffer
      const notAfter = Date.parse((first.socket.getCertificate() as tls.PeerCertificate).valid_to)
      await first.close()
      // the certificate was made to end within seconds; its end is the event that is waited for
      await setTimeout(Math.max(0, notAfter + 1000 - Date.now()))
      const attempt = await broker.open('short-lived', { ...options, session: ticket }).catch(() => undefined)
      attempt?.write(connectBytes('short-lived'))
      expect(await attempt?.next()).not.toMatchObject({ cmd: 'connack', returnCode: 0 })
    },
  },
  {
    name: 'a connection whose certificate ends is closed then, and its will is sent',
    rules: ['3.7', '4.2'],
    run: async broker => {
      const watcher = await session(broker, 'ops-1', 'ops-1/watch')
      await subscribeAt(watcher, 0, 'plant/s1/short-lived/#')
      const will = { topic: 'plant/s1/short-lived/telemetry/t', payload: Buffer.from('ended'), qos: 0, retain: false }
      const device = await session(broker, 'short-lived', 'short-lived', { will })
      await device.closed
      expect(String((await nextMessage(watcher)).payload)).toBe('ended')
    },
  },
  {
    name: 'half a hello, no CONNECT and one byte at a time are gone within the deadline',
    rules: ['5.3'],
    weaknesses: [21],
    needs: ['limits'],
    start: shortDeadlines,
    run: async broker => {
      const silent = await broker.open('pump-7')
      const dripping = await broker.open('pump-7')
      const bytes = connectBytes('pump-7')
      let sent = 0
      const drip = setInterval(() => dripping.write(bytes.subarray(sent, ++sent)), 200)
      await Promise.all([silent.closed, dripping.closed])
      clearInterval(drip)
      expect(sent).toBeLessThan(bytes.length)
    },
  },
  {
    name: 'a CONNECT of 40 MB is cut off at once',
    rules: ['5.3'],
    weaknesses: [22],
    run: async broker => {
      const client = await broker.open('pump-7')
      let taken = 0
      client.socket.on('drain', () => {
        taken = client.socket.bytesWritten
      })
      // a CONNECT that claims 40 MB, and 8 MB of it
      client.write(Buffer.of(0x10, 0x80, 0x80, 0xa0, 0x13))
      for (let count = 0; count < 8; count++) client.write(Buffer.alloc(1024 * 1024))
      await client.closed
      expect(taken).toBeLessThan(4 * 1024 * 1024)
    },
  },
  {
    name: 'racing log-ins of one client id leave one session',
    rules: ['2.4'],
    weaknesses: [4],
    run: async broker => {
      // a race that is lost once in a while is lost
      for (let round = 0; round < 6; round++) await race(broker)
    },
  },
]

/** Six log in at once over a seventh; one session is left, and it is the one that the broker knows of. */
async function race(broker: RunningBroker): Promise<void> {
  const before = await session(broker, 'pump-7')
  await subscribeAt(before, 0, command)
  const clients = await Promise.all(Array.from({ length: 6 }, () => broker.open('pump-7')))
  const open = new Set(clients)
  const ends = clients.map(client => client.closed.then(() => open.delete(client)))
  for (const client of clients) client.write(connectBytes('pump-7'))
  await new Promise<void>(resolve => {
    for (const end of ends) void end.then(() => open.size <= 1 && resolve())
  })
  const [last] = open
  if (last === undefined) throw new Error('all of them were closed')
  expect(await last.next()).toMatchObject({ cmd: 'connack', returnCode: 0 })
  await subscribeAt(last, 0, command)
  const operator = await session(broker, 'ops-1', 'ops-1/desk')
  await operator.publish(command, 'once')
  expect(String((await nextMessage(last)).payload)).toBe('once')
  const next = await session(broker, 'pump-7')
  await last.closed
  await next.close()
}
