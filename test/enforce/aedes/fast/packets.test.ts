/** The fast path reads and writes packets exactly as mqtt-packet does. */
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { type ReadPacket, readPackets } from '../../../../src/enforce/aedes/fast/packet-reader.ts'
import { PublishEncoder } from '../../../../src/enforce/aedes/fast/publish-encoder.ts'
import { checkProperty } from '../../../support/property.ts'

const topic = fc.oneof(
  fc.constantFrom('plant/s1/pump-7/telemetry/temp', '/', 'a', 'größe/温度/🌡'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
)
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  fc.constantFrom(127, 128, 16_383, 16_384).map(size => Buffer.alloc(size, 'p')),
)
const messageId = fc.integer({ min: 1, max: 0xffff })

const publish: fc.Arbitrary<Packet> = fc
  .record({ topic, payload, messageId, qos: fc.constantFrom(0, 1, 2), retain: fc.boolean(), dup: fc.boolean() })
  .map(({ dup, ...rest }) => ({ cmd: 'publish', ...rest, dup: dup && rest.qos > 0 }) as Packet)
const acknowledgement: fc.Arbitrary<Packet> = fc
  .record({ cmd: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'), messageId })
  .map(packet => packet as Packet)
const other: fc.Arbitrary<Packet> = fc.constantFrom<Packet>(
  { cmd: 'pingreq' },
  { cmd: 'disconnect' } as Packet,
  { cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'plant/#', qos: 1 }] } as Packet,
  { cmd: 'unsubscribe', messageId: 8, unsubscriptions: ['plant/#'] } as Packet,
)

function parsed(bytes: Buffer): Packet[] {
  const packets: Packet[] = []
  const parser = mqttPacket.parser()
  parser.on('packet', packet => packets.push(packet))
  parser.parse(bytes)
  return packets
}

function read(bytes: Buffer): { read: ReadPacket[]; packets: (ReadPacket | Packet)[] } {
  const direct: ReadPacket[] = []
  const packets: (ReadPacket | Packet)[] = []
  readPackets(bytes, {
    packet: packet => {
      direct.push(packet)
      packets.push(packet)
    },
    other: rest => packets.push(...parsed(rest)),
  })
  return { read: direct, packets }
}

test('reads what mqtt-packet reads', () => {
  checkProperty(
    'fast reading agrees with mqtt-packet',
    fc.property(fc.array(fc.oneof(publish, acknowledgement, other), { maxLength: 4 }), packets => {
      const bytes = Buffer.concat(packets.map(packet => mqttPacket.generate(packet)))
      const plain = (packet: { payload?: unknown }): object => ({
        ...packet,
        payload: Buffer.isBuffer(packet.payload) ? packet.payload.toString('latin1') : packet.payload,
      })
      expect(read(bytes).packets.map(packet => plain(packet as object))).toEqual(
        parsed(bytes).map(packet => plain(packet as object)),
      )
    }),
  )
})

test('reads the frequent types itself', () => {
  const frequent: Packet[] = [
    { cmd: 'publish', topic: 'a', payload: 'b', qos: 0, retain: false, dup: false },
    { cmd: 'puback', messageId: 1 },
    { cmd: 'pingreq' },
  ]
  const bytes = Buffer.concat(frequent.map(packet => mqttPacket.generate(packet)))
  expect(read(bytes).read.map(packet => packet.cmd)).toEqual(['publish', 'puback', 'pingreq'])
})

test('a payload that may be stored does not keep a large chunk', () => {
  const small = {
    cmd: 'publish',
    topic: 'a',
    payload: 'kept',
    qos: 1,
    retain: false,
    dup: false,
    messageId: 1,
  } as const
  const large = { ...small, qos: 0, payload: Buffer.alloc(10_000) } as const
  const packets = read(Buffer.concat([mqttPacket.generate(small), mqttPacket.generate(large)])).read
  expect(packets[0]?.payload?.toString()).toBe('kept')
  expect(packets[0]?.payload?.buffer).not.toBe(packets[1]?.payload?.buffer)
})

describe('publish encoder', () => {
  test('writes what mqtt-packet writes', () => {
    checkProperty(
      'the publish encoder agrees with mqtt-packet',
      fc.property(topic, fc.oneof(payload, fc.string({ unit: 'grapheme' })), fc.boolean(), (name, body, retain) => {
        const message = { topic: name, payload: body, retain, qos: 0 } as const
        const bytes = new PublishEncoder().encode(message, true)
        expect(bytes?.equals(mqttPacket.generate({ cmd: 'publish', dup: false, ...message }))).toBe(true)
      }),
    )
  })

  const message = {
    topic: 'a',
    payload: Buffer.from('1'),
    retain: false,
    qos: 0,
    brokerId: 'b',
    brokerCounter: 1,
  } as const

  test('makes the bytes of a message once', () => {
    const encoder = new PublishEncoder()
    expect(encoder.encode({ ...message }, true)).toBe(encoder.encode({ ...message }, true))
  })

  test.each([
    ['counter', { brokerCounter: 2 }],
    ['broker', { brokerId: 'c' }],
    ['retain flag', { retain: true }],
    ['topic', { topic: 'b' }],
  ])('another %s is another packet', (_what, change) => {
    const encoder = new PublishEncoder()
    const first = encoder.encode(message, true)
    expect(encoder.encode({ ...message, ...change }, true)).not.toBe(first)
  })

  test('a message that a hook may have changed is encoded by itself, and is nobody else’s', () => {
    const encoder = new PublishEncoder()
    const whole = encoder.encode(message, true)
    const cut = encoder.encode({ ...message, payload: '' }, false)
    expect(cut).not.toEqual(whole)
    expect(encoder.encode(message, true)).toEqual(whole)
  })

  test('a message without a counter, such as a retained one, is never taken for another', () => {
    const encoder = new PublishEncoder()
    const retained = { topic: 'a', retain: true, qos: 0, brokerCounter: 0 } as const
    const first = encoder.encode({ ...retained, payload: 'first' }, true)
    expect(encoder.encode({ ...retained, payload: 'second' }, true)).not.toEqual(first)
  })

  test.each([
    ['an empty topic', { topic: '' }],
    ['a topic of more than 65,535 bytes', { topic: 'ä'.repeat(32_768) }],
    ['a topic that is no text', { topic: 7 as never }],
    ['a payload that is neither text nor bytes', { payload: {} as never }],
  ])('leaves %s to the broker', (_what, change) => {
    expect(new PublishEncoder().encode({ ...message, ...change }, true)).toBeUndefined()
  })
})
