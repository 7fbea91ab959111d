import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import type { ConnectPacket } from '../../../src/accept/framer/connect-packet.ts'
import { Framer } from '../../../src/accept/framer/framer.ts'
import { type Limits, resolveLimits } from '../../../src/accept/limits.ts'
import type { Problem } from '../../../src/problem.ts'
import { checkProperty } from '../../support/property.ts'

const connectBytes = (extra: Record<string, unknown> = {}): Buffer =>
  mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'pump-7',
    clean: true,
    keepalive: 30,
    ...extra,
  } as Packet)

const publishBytes = (extra: Record<string, unknown> = {}): Buffer =>
  mqttPacket.generate({
    cmd: 'publish',
    topic: 'a/b',
    payload: 'x',
    qos: 0,
    dup: false,
    retain: false,
    ...extra,
  } as Packet)

interface Seen {
  readonly framer: Framer
  readonly connects: ConnectPacket[]
  readonly passed: Buffer[]
  readonly problems: Problem[]
  readonly versions: (number | undefined)[]
}

function framed(limits: Partial<Limits> = {}, lowerTo: 0 | 1 | 2 = 2): Seen {
  const seen = { connects: [], passed: [], problems: [], versions: [] } as unknown as Seen
  const framer = new Framer(resolveLimits(limits), {
    connect: packet => void seen.connects.push(packet),
    packets: bytes => void seen.passed.push(bytes),
    subscribe: asked => {
      for (const one of asked) one.qos = lowerTo
    },
    violation: (problem, version) => {
      seen.problems.push(problem)
      seen.versions.push(version)
    },
  })
  return Object.assign(seen, { framer })
}

/** A framer whose session stands. */
function opened(limits: Partial<Limits> = {}, lowerTo: 0 | 1 | 2 = 2): Seen {
  const seen = framed(limits, lowerTo)
  seen.framer.push(connectBytes())
  seen.framer.open()
  return seen
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('before the session stands (5.1)', () => {
  test('a CONNECT is read, and what is pipelined behind it is held until the broker has said yes', () => {
    const seen = framed()
    expect(seen.framer.push(Buffer.concat([connectBytes(), publishBytes()]))).toBe(false)
    expect(seen.connects).toMatchObject([{ clientId: 'pump-7', protocolVersion: 4, clean: true, keepAliveSeconds: 30 }])
    expect(seen.framer.push(publishBytes({ payload: 'y' }))).toBe(false)
    expect(seen.passed).toEqual([])
    seen.framer.open()
    expect(Buffer.concat(seen.passed)).toEqual(Buffer.concat([publishBytes(), publishBytes({ payload: 'y' })]))
    expect(seen.framer.push(publishBytes())).toBe(true)
  })

  test('what was held behind a refused CONNECT is gone', () => {
    const seen = framed()
    seen.framer.push(Buffer.concat([connectBytes(), publishBytes()]))
    seen.framer.end()
    seen.framer.open()
    expect(seen.framer.push(publishBytes())).toBe(true)
    expect(seen.passed).toEqual([])
  })

  test('its will is read, and user name and password are left alone', () => {
    const seen = framed()
    const will = { topic: 'a/state', payload: Buffer.from('gone'), qos: 1, retain: true }
    seen.framer.push(connectBytes({ will, username: 'someone', password: 'secret' }))
    expect(seen.connects[0]?.will).toEqual({ topic: 'a/state', qos: 1, retain: true, payloadBytes: 4 })
    expect(JSON.stringify(seen.connects)).not.toContain('secret')
  })

  test('nothing may come before it', () => {
    for (const bytes of [publishBytes(), hex('c000'), hex('0000'), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
      const seen = framed()
      seen.framer.push(bytes)
      expect(seen.problems).toMatchObject([{ code: 'accept/not-connect' }])
      expect(seen.framer.phase).toBe('ended')
    }
  })

  test.each([5, 6, 0x84])('protocol level %i is told, so that it can be answered', version => {
    const seen = framed()
    const bytes = connectBytes()
    bytes[8] = version
    seen.framer.push(bytes)
    expect(seen.problems).toMatchObject([{ code: 'accept/protocol-version' }])
    expect(seen.versions).toEqual([version])
  })

  test('MQTT 3.1 is read like 3.1.1', () => {
    const seen = framed()
    seen.framer.push(connectBytes({ protocolId: 'MQIsdp', protocolVersion: 3 }))
    expect(seen.connects).toMatchObject([{ protocolVersion: 3, clientId: 'pump-7' }])
  })

  // flags of CONNECT stand in byte 9
  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['its reserved flag', bytes => withFlags(bytes, flags => flags | 1)],
    ['will QoS without a will', bytes => withFlags(bytes, flags => flags | 0x08)],
    ['will retain without a will', bytes => withFlags(bytes, flags => flags | 0x20)],
    ['a will that is not there', bytes => withFlags(bytes, flags => flags | 0x04)],
    [
      'will QoS 3',
      () => withFlags(connectBytes({ will: { topic: 'a', payload: Buffer.from('b') } }), flags => flags | 0x18),
    ],
    ['a password without a user name', bytes => withFlags(bytes, flags => flags | 0x40)],
    [
      'bytes behind its last field',
      bytes => Buffer.concat([Buffer.of(0x10, (bytes[1] as number) + 1), bytes.subarray(2), Buffer.of(0)]),
    ],
    ['a NUL in the client id', () => connectBytes({ clientId: 'pump\u00007' })],
    ['another protocol', bytes => replaced(bytes, 'MQTT', 'MQTX')],
    [
      'a client id that is not UTF-8',
      bytes => replaced(bytes, 'pump-7', Buffer.from([0x70, 0xff, 0xfe, 0x70, 0x2d, 0x37])),
    ],
    ['flags in its first byte', bytes => replaced(bytes, Buffer.of(0x10), Buffer.of(0x12))],
    ['a body that ends in its header', () => hex('10 08 0004 4d515454 04 02')],
    ['no body', () => hex('10 00')],
    [
      'a length that is longer than it must be',
      bytes => Buffer.concat([Buffer.of(0x10, 0x80 | (bytes[1] as number), 0), bytes.subarray(2)]),
    ],
    ['a length of five bytes', () => hex('10 ff ff ff ff 01')],
  ])('a CONNECT with %s is closed', (_what, spoil) => {
    const seen = framed({ connectBytes: 1024 * 1024 })
    seen.framer.push(spoil(connectBytes()))
    expect(seen.connects).toEqual([])
    expect(seen.problems.map(problem => problem.code)).toEqual([
      expect.stringMatching(/^accept\/(malformed-packet|connect-too-large)$/),
    ])
    expect(seen.framer.phase).toBe('ended')
  })
})

function withFlags(bytes: Buffer, change: (flags: number) => number): Buffer {
  const copy = Buffer.from(bytes)
  copy[9] = change(copy[9] as number)
  return copy
}

function replaced(bytes: Buffer, from: string | Buffer, to: string | Buffer): Buffer {
  const copy = Buffer.from(bytes)
  Buffer.from(to).copy(copy, copy.indexOf(from))
  return copy
}

/** Illegal in an open session; each closes it. Written from MQTT 3.1.1, clause by clause. */
const malformed: readonly (readonly [string, Buffer])[] = [
  ['a second CONNECT [MQTT-3.1.0-2]', connectBytes()],
  ['type 0', hex('00 00')],
  ['type 15', hex('f0 00')],
  ['a CONNACK', hex('20 02 00 00')],
  ['a SUBACK', hex('90 03 0001 00')],
  ['an UNSUBACK', hex('b0 02 0001')],
  ['a PINGRESP', hex('d0 00')],
  ['a PUBLISH with QoS 3 [MQTT-3.3.1-4]', hex('36 06 0001 61 0001 78')],
  ['a PUBLISH with QoS 0 and DUP [MQTT-3.3.1-2]', hex('38 04 0001 61 78')],
  ['a PUBLISH with an empty topic [MQTT-4.7.3-1]', hex('30 03 0000 78')],
  ['a PUBLISH with + [MQTT-3.3.2-2]', hex('30 03 0001 2b')],
  ['a PUBLISH with # [MQTT-3.3.2-2]', hex('30 05 0003 612f23')],
  ['a PUBLISH with a NUL [MQTT-4.7.3-2]', hex('30 03 0001 00')],
  ['a PUBLISH that is not UTF-8 [MQTT-1.5.3-1]', hex('30 04 0002 c328')],
  ['a PUBLISH with a surrogate [MQTT-1.5.3-1]', hex('30 05 0003 eda080')],
  ['a PUBLISH with an overlong slash [MQTT-1.5.3-1]', hex('30 04 0002 c0af')],
  ['a PUBLISH whose topic is longer than the packet', hex('30 04 0009 6161')],
  ['a PUBLISH of QoS 1 without its identifier', hex('32 03 0001 61')],
  ['a PUBLISH with the identifier 0 [MQTT-2.3.1-1]', hex('32 05 0001 61 0000')],
  ['a PUBLISH of one byte', hex('30 01 00')],
  ['a PUBACK with flags [MQTT-2.2.2-2]', hex('41 02 0001')],
  ['a PUBACK of three bytes', hex('40 03 0001 00')],
  ['a PUBACK with the identifier 0', hex('40 02 0000')],
  ['a PUBREL without its flags [MQTT-3.6.1-1]', hex('60 02 0001')],
  ['a SUBSCRIBE without its flags [MQTT-3.8.1-1]', hex('80 06 0001 0001 61 00')],
  ['a SUBSCRIBE without a filter [MQTT-3.8.3-3]', hex('82 02 0001')],
  ['a SUBSCRIBE with the identifier 0', hex('82 06 0000 0001 61 00')],
  ['a SUBSCRIBE with QoS 3 [MQTT-3.8.3-4]', hex('82 06 0001 0001 61 03')],
  ['a SUBSCRIBE with reserved QoS bits [MQTT-3.8.3-4]', hex('82 06 0001 0001 61 40')],
  ['a SUBSCRIBE that ends before its QoS', hex('82 06 0001 0002 6162')],
  ['a SUBSCRIBE with an empty filter', hex('82 05 0001 0000 00')],
  ['a SUBSCRIBE to a+ [MQTT-4.7.1-3]', hex('82 07 0001 0002 612b 00')],
  ['a SUBSCRIBE to +a', hex('82 07 0001 0002 2b61 00')],
  ['a SUBSCRIBE to a# [MQTT-4.7.1-2]', hex('82 07 0001 0002 6123 00')],
  ['a SUBSCRIBE to #/a', hex('82 08 0001 0003 232f61 00')],
  ['a SUBSCRIBE to ##', hex('82 07 0001 0002 2323 00')],
  ['a SUBSCRIBE with a NUL', hex('82 06 0001 0001 00 00')],
  ['a SUBSCRIBE that is not UTF-8', hex('82 07 0001 0002 c328 00')],
  ['a SUBSCRIBE whose second filter is cut off', hex('82 09 0001 0001 61 00 0005 61')],
  ['an UNSUBSCRIBE without its flags [MQTT-3.10.1-1]', hex('a0 05 0001 0001 61')],
  ['an UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', hex('a2 02 0001')],
  ['an UNSUBSCRIBE from a+', hex('a2 06 0001 0002 612b')],
  ['a PINGREQ with a body', hex('c0 01 00')],
  ['a PINGREQ with flags', hex('c1 00')],
  ['a DISCONNECT with flags [MQTT-3.14.1-1]', hex('e1 00')],
  ['a DISCONNECT with a body', hex('e0 01 00')],
  ['a length that is longer than it must be', hex('c0 80 00')],
  ['a length of five bytes', hex('30 ff ff ff ff 7f')],
]

describe('in an open session (5.1)', () => {
  test.each(malformed)('%s closes it, whole or byte by byte', (_what, bytes) => {
    const splits: readonly (readonly Buffer[])[] = [[bytes], [...bytes].map(byte => Buffer.of(byte))]
    for (const chunks of splits) {
      const seen = opened()
      seen.framer.push(publishBytes())
      for (const chunk of chunks) seen.framer.push(chunk)
      seen.framer.push(publishBytes())
      expect(seen.problems.map(problem => problem.code)).toEqual([
        expect.stringMatching(/^accept\/(malformed-packet|packet-too-large)$/),
      ])
      expect(Buffer.concat(seen.passed)).toEqual(publishBytes())
    }
  })

  test('the clause that it breaks is told', () => {
    const seen = opened()
    seen.framer.push(hex('82 07 0001 0002 612b 00'))
    expect(seen.problems).toMatchObject([
      { code: 'accept/malformed-packet', sentence: expect.stringContaining('[MQTT-4.7.1-3]') },
    ])
  })

  test('what comes behind a DISCONNECT is not looked at [MQTT-3.14.4-2]', () => {
    const seen = opened()
    seen.framer.push(Buffer.concat([hex('e0 00'), publishBytes(), hex('00 00')]))
    seen.framer.push(publishBytes())
    expect(Buffer.concat(seen.passed)).toEqual(hex('e0 00'))
    expect(seen.problems).toEqual([])
  })

  test('legal packets right before an illegal one in the same piece still pass', () => {
    const seen = opened()
    seen.framer.push(Buffer.concat([publishBytes(), publishBytes(), hex('00 00')]))
    expect(Buffer.concat(seen.passed)).toEqual(Buffer.concat([publishBytes(), publishBytes()]))
    expect(seen.problems).toHaveLength(1)
  })

  test('a lower QoS is written into the SUBSCRIBE', () => {
    const subscribe = mqttPacket.generate({
      cmd: 'subscribe',
      messageId: 3,
      subscriptions: [
        { topic: 'a/#', qos: 2 },
        { topic: 'b', qos: 0 },
      ],
    } as Packet)
    const seen = opened({}, 1)
    seen.framer.push(subscribe)
    const parsed: Packet[] = []
    mqttPacket
      .parser()
      .on('packet', packet => parsed.push(packet))
      .parse(Buffer.concat(seen.passed))
    expect(parsed).toMatchObject([
      {
        subscriptions: [
          { topic: 'a/#', qos: 1 },
          { topic: 'b', qos: 0 },
        ],
      },
    ])
  })

  test('a whole packet is not copied', () => {
    const seen = opened()
    const chunk = Buffer.concat([publishBytes(), publishBytes()])
    seen.framer.push(chunk)
    expect(seen.passed[0]?.buffer).toBe(chunk.buffer)
    expect(seen.passed).toHaveLength(1)
  })
})

const topicOf = (bytes: number): string => 'a'.repeat(bytes)
const levels = (count: number): string => new Array<string>(count).fill('a').join('/')
const subscribeTo = (...filters: string[]): Buffer =>
  mqttPacket.generate({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: filters.map(topic => ({ topic, qos: 0 })),
  } as Packet)
const unsubscribeFrom = (...filters: string[]): Buffer =>
  mqttPacket.generate({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: filters } as Packet)
const many = (count: number): string[] => new Array<string>(count).fill('a/b')
/** A CONNECT of exactly so many bytes; its will makes up the rest. */
const connectOf = (bytes: number): Buffer => {
  const base = connectBytes({ will: { topic: 'a', payload: Buffer.alloc(1000) } }).length - 1000
  return connectBytes({ will: { topic: 'a', payload: Buffer.alloc(bytes - base) } })
}
const packetOf = (bytes: number): Buffer =>
  publishBytes({ payload: Buffer.alloc(bytes - (publishBytes({ payload: Buffer.alloc(1000) }).length - 1000)) })

describe('limits: n passes, n + 1 is refused', () => {
  test.each<[keyof Limits, string, number, (size: number) => Buffer]>([
    ['packetBytes', 'accept/packet-too-large', 2000, packetOf],
    ['filtersPerSubscribe', 'accept/too-many-filters', 7, size => subscribeTo(...many(size))],
    ['filtersPerSubscribe', 'accept/too-many-filters', 7, size => unsubscribeFrom(...many(size))],
    ['topicBytes', 'accept/topic-too-long', 40, size => publishBytes({ topic: topicOf(size) })],
    ['topicBytes', 'accept/topic-too-long', 40, size => subscribeTo(topicOf(size))],
    ['topicLevels', 'accept/topic-too-deep', 5, size => publishBytes({ topic: levels(size) })],
    ['topicLevels', 'accept/topic-too-deep', 5, size => subscribeTo(levels(size))],
  ])('limit %s: %s', (name, code, n, make) => {
    const within = opened({ [name]: n })
    within.framer.push(make(n))
    expect(within.problems).toEqual([])
    expect(Buffer.concat(within.passed)).toEqual(make(n))
    const over = opened({ [name]: n })
    over.framer.push(make(n + 1))
    expect(over.problems).toMatchObject([{ code, help: expect.stringContaining(`limits.${name}`) }])
    expect(over.passed).toEqual([])
  })

  test('limit connectBytes: accept/connect-too-large, told by its header alone', () => {
    const within = framed({ connectBytes: 2000 })
    within.framer.push(connectOf(2000))
    expect(within.connects).toHaveLength(1)
    const over = framed({ connectBytes: 2000 })
    over.framer.push(connectOf(2001).subarray(0, 3))
    expect(over.problems).toMatchObject([{ code: 'accept/connect-too-large' }])
  })

  test('an over-large packet is refused by its header, before it is buffered', () => {
    const seen = opened({ packetBytes: 2000 })
    seen.framer.push(packetOf(2001).subarray(0, 3))
    expect(seen.problems).toMatchObject([{ code: 'accept/packet-too-large' }])
  })
})

describe('however the bytes are cut (5.1)', () => {
  const anyPacket: fc.Arbitrary<Buffer> = fc.oneof(
    fc
      .record({
        topic: fc.constantFrom('a', 'a/b', 'ü/é', '/', '$x/y'),
        size: fc.nat(400),
        qos: fc.constantFrom(0, 1, 2),
      })
      .map(({ topic, size, qos }) => publishBytes({ topic, payload: Buffer.alloc(size, 1), qos, messageId: 7 })),
    fc.constantFrom(hex('c000'), hex('40020001'), hex('50020001'), hex('62020001'), hex('70020001')),
    fc.constantFrom(subscribeTo('a/#', '+/b', '#'), unsubscribeFrom('a/#')),
  )

  test('the same packets pass, in order and whole', () => {
    checkProperty(
      'framer: however the bytes are cut, the same packets pass',
      fc.property(
        fc.record({ packets: fc.array(anyPacket, { maxLength: 12 }), cuts: fc.array(fc.nat(2000), { maxLength: 30 }) }),
        ({ packets, cuts }) => {
          const bytes = Buffer.concat(packets)
          const seen = opened()
          const edges = [
            0,
            ...[...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b),
            bytes.length,
          ]
          edges.forEach((edge, index) => {
            const chunk = Buffer.from(bytes.subarray(edge, edges[index + 1] ?? edge))
            if (chunk.length > 0) seen.framer.push(chunk)
          })
          expect(seen.problems).toEqual([])
          expect(Buffer.concat(seen.passed)).toEqual(bytes)
          // every run that is passed on ends where a packet ends
          const ends = new Set<number>()
          packets.reduce((end, packet) => {
            ends.add(end + packet.length)
            return end + packet.length
          }, 0)
          seen.passed.reduce((end, run) => {
            expect(ends.has(end + run.length)).toBe(true)
            return end + run.length
          }, 0)
        },
      ),
    )
  })

  test('no bytes at all make it throw, or pass anything that mqtt-packet cannot read', () => {
    checkProperty(
      'framer: nothing passes that mqtt-packet cannot read',
      fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), anyPacket), { maxLength: 6 }), chunks => {
        const seen = opened()
        for (const chunk of chunks) seen.framer.push(Buffer.from(chunk))
        const errors: unknown[] = []
        const parser = mqttPacket.parser()
        parser.on('error', error => errors.push(error))
        parser.parse(Buffer.concat(seen.passed))
        expect(errors).toEqual([])
      }),
    )
  })
})
