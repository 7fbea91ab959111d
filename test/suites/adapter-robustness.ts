/** Robustness: whatever a peer sends, the others go on. */
import { expect } from 'vitest'
import type { RawClient } from '../support/raw-client.ts'
import {
  bytesOf,
  command,
  connectBytes,
  nextMessage,
  own,
  publishBytes,
  publishOnce,
  roundTrip,
  secret,
  session,
  subscribeAt,
  upTo,
} from './acts.ts'
import type { AdapterCase, RunningBroker } from './adapter.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** Illegal in a session (MQTT 3.1.1); the framer's own tests have many more. */
const malformed: readonly Buffer[] = [
  hex('00 00'), // type 0
  hex('f0 00'), // type 15
  hex('20 02 00 00'), // CONNACK
  hex('90 03 0001 00'), // SUBACK
  hex('d0 00'), // PINGRESP
  hex('36 06 0001 61 0001 78'), // QoS 3
  hex('38 04 0001 61 78'), // QoS 0 and DUP
  hex('30 03 0000 78'), // empty topic
  hex('30 03 0001 2b'), // + in a topic name
  hex('30 03 0001 23'), // # in a topic name
  hex('30 03 0001 00'), // NUL
  hex('30 04 0002 c328'), // not UTF-8
  hex('30 04 0009 6161'), // topic longer than the packet
  hex('32 03 0001 61'), // QoS 1 without an identifier
  hex('32 05 0001 61 0000'), // identifier 0
  hex('41 02 0001'), // PUBACK with flags
  hex('40 03 0001 00'), // PUBACK too long
  hex('60 02 0001'), // PUBREL without its flags
  hex('80 06 0001 0001 61 00'), // SUBSCRIBE without its flags
  hex('82 02 0001'), // SUBSCRIBE without a filter
  hex('82 06 0001 0001 61 03'), // SUBSCRIBE with QoS 3
  hex('82 07 0001 0002 612b 00'), // a+
  hex('82 07 0001 0002 6123 00'), // a#
  hex('82 06 0001 0001 00 00'), // NUL in a filter
  hex('a2 02 0001'), // UNSUBSCRIBE without a filter
  hex('c0 01 00'), // PINGREQ with a body
  hex('e1 00'), // DISCONNECT with flags
  hex('30 ff ff ff ff 7f'), // a length of five bytes
  hex('30 ff ff ff 5f'), // 200 MB
]

/** Somebody else's session, and that it still works. */
async function bystander(broker: RunningBroker): Promise<{ readonly isWell: () => Promise<void> }> {
  const watcher = await session(broker, 'ops-1', 'ops-1/watch')
  await subscribeAt(watcher, 0, 'plant/s1/pump-8/telemetry/#')
  return {
    isWell: async () => {
      await publishOnce(broker, 'pump-8', 'plant/s1/pump-8/telemetry/t', 'still here')
      expect(await upTo(watcher, 'still here')).toEqual([])
    },
  }
}

/** Numbers that are the same in every run (xorshift). */
function* numbers(seed: number): Generator<number> {
  let state = seed
  for (;;) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    yield state >>> 0
  }
}

const noise = (source: Generator<number>, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => (source.next().value as number) & 0xff))

export const robustnessCases: readonly AdapterCase[] = [
  {
    name: 'a CONNECT with two bytes of nonsense right behind it harms nobody',
    rules: ['5.1'],
    weaknesses: [20],
    run: async broker => {
      const other = await bystander(broker)
      const client = await broker.open('pump-7')
      client.write(Buffer.concat([connectBytes('pump-7'), hex('00 00')]))
      await client.closed
      await other.isWell()
    },
  },
  {
    name: 'each packet that breaks the standard closes its own connection and no other, whole and byte by byte',
    rules: ['5.1'],
    weaknesses: [9, 14, 26],
    run: async broker => {
      const other = await bystander(broker)
      for (const bytes of malformed) {
        for (const chunks of [[bytes], [...bytes].map(byte => Buffer.of(byte))]) {
          const client = await session(broker, 'pump-7')
          for (const chunk of chunks) client.write(chunk)
          expect([bytes.toString('hex'), (await client.next())?.cmd]).toEqual([bytes.toString('hex'), undefined])
        }
      }
      await other.isWell()
    },
  },
  {
    name: 'a second CONNECT closes',
    rules: ['5.1'],
    run: async broker => {
      const client = await session(broker, 'pump-7')
      client.write(connectBytes('pump-7'))
      expect(await client.next()).toBeUndefined()
    },
  },
  {
    name: 'a packet over the size limit and a SUBSCRIBE of too many filters close',
    rules: ['5.3'],
    weaknesses: [3],
    run: async broker => {
      const large = await session(broker, 'pump-7')
      large.write(publishBytes(own, 'x'.repeat(300_000)))
      await large.closed
      const many = await session(broker, 'pump-7')
      const subscriptions = Array.from({ length: 101 }, () => ({ topic: command, qos: 0 }))
      many.write(bytesOf({ cmd: 'subscribe', messageId: 1, subscriptions }))
      expect(await many.next()).toBeUndefined()
    },
  },
  {
    name: 'noise, before and after CONNECT, ends no more than its own connections',
    rules: ['5.1'],
    run: async broker => {
      const other = await bystander(broker)
      const source = numbers(2_463_534_242)
      for (let round = 0; round < 60; round++) {
        const client = round % 2 === 0 ? await broker.open('pump-7') : await session(broker, 'pump-7')
        client.write(noise(source, 1 + ((source.next().value as number) % 64)))
        // the end of its bytes: what is not whole by then never will be
        client.socket.end()
        await client.closed
      }
      await other.isWell()
    },
  },
  {
    name: 'a reset in the middle of a packet, and two hundred connections that go at once, leave nobody behind',
    rules: ['2.4', '5.1'],
    run: async broker => {
      const cut = await session(broker, 'pump-7')
      cut.write(publishBytes(own, 'x'.repeat(1000)).subarray(0, 500))
      await roundTripOfOther(broker)
      cut.socket.destroy()
      for (let batch = 0; batch < 10; batch++) {
        const clients = await Promise.all(Array.from({ length: 20 }, () => broker.open('pump-7')))
        for (const client of clients) {
          client.write(connectBytes('pump-7'))
          client.socket.destroy()
        }
        await Promise.all(clients.map(client => client.closed))
      }
      const last = await session(broker, 'pump-7')
      await roundTrip(last)
    },
  },
  {
    name: 'a client that says everything at once and goes is heard',
    rules: ['5.1'],
    run: async broker => {
      const auditor = await session(broker, 'audit-1', 'audit-1/desk')
      await subscribeAt(auditor, 1, 'plant/#')
      const pump = await broker.open('pump-7')
      const parts = [connectBytes('pump-7'), publishBytes(own, 'in passing', { qos: 1, messageId: 1 })]
      pump.write(Buffer.concat([...parts, bytesOf({ cmd: 'disconnect' })]))
      pump.stream.end()
      expect(String((await nextMessage(auditor)).payload)).toBe('in passing')
    },
  },
  {
    name: 'two thousand publishes at QoS 2 that are never released stall nobody',
    rules: ['5.3'],
    start: { policy: yaml => yaml.replace('        maxQos: 1\n', '') },
    run: async broker => {
      const other = await bystander(broker)
      const client = await session(broker, 'pump-7')
      const packets = Array.from({ length: 2000 }, (_, index) =>
        publishBytes(own, 'half', { qos: 2, messageId: index + 1 }),
      )
      client.write(Buffer.concat(packets))
      await other.isWell()
    },
  },
  {
    name: "a hook of the host's that throws refuses, and ends nothing",
    rules: ['3.1'],
    weaknesses: [16],
    needs: ['host-hooks'],
    run: async broker => {
      const auditor = await session(broker, 'audit-1', 'audit-1/desk')
      await subscribeAt(auditor, 0, 'plant/#')
      await broker.assignHooks('throwing')
      const pump = await session(broker, 'pump-7')
      expect(await pump.publish(own)).toBe('closed')
      const again = await session(broker, 'pump-7')
      expect(await subscribeAt(again, 0, command)).toEqual([128])
      await roundTrip(auditor)
    },
  },
  {
    name: 'a delivery that is refused ends neither the subscriber nor the broker',
    rules: ['3.4'],
    start: { policy: yaml => yaml.replace('    deny:\n      - publish: plant/+/+/telemetry/secret/#\n', '') },
    run: async broker => {
      const auditor = await session(broker, 'audit-1', 'audit-1/desk')
      await subscribeAt(auditor, 1, 'plant/#')
      await publishOnce(broker, 'line-1', secret, 'secret')
      await publishOnce(broker, 'pump-7', own, 'plain')
      expect(String((await nextMessage(auditor)).payload)).toBe('plain')
    },
  },
  {
    name: 'a subscriber that stops reading holds up nobody else',
    rules: ['5.1', '5.3'],
    weaknesses: [23],
    run: async broker => {
      const stuck = await session(broker, 'ops-1', 'ops-1/stuck')
      await subscribeAt(stuck, 1, 'plant/s1/#')
      stuck.socket.pause()
      const good = await session(broker, 'ops-1', 'ops-1/good')
      await subscribeAt(good, 0, own)
      const pump = await session(broker, 'pump-7')
      // far more than the sockets of both sides hold, in as many messages as the emitter lets wait
      await pace(pump, good, 400, 'x'.repeat(60_000))
    },
  },
]

async function roundTripOfOther(broker: RunningBroker): Promise<void> {
  const other = await session(broker, 'pump-8')
  await roundTrip(other)
  await other.close()
}

/** Publishes so many messages, each when the one before has arrived. */
async function pace(from: RawClient, to: RawClient, count: number, payload: string): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    from.write(publishBytes(own, payload))
    expect((await nextMessage(to)).topic).toBe(own)
  }
}
