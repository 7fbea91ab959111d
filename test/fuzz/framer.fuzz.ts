import mqttPacket, { type Packet } from 'mqtt-packet'
import { test } from 'vitest'
import { Framer } from '../../src/accept/framer/framer.ts'
import { resolveLimits } from '../../src/accept/limits.ts'
import { fuzz } from './fuzz.ts'
import { anyConnect, anyPacket } from './packets.ts'
import type { Random } from './random.ts'

const limits = resolveLimits()

/** What a framer lets through of these bytes, in these pieces. */
function framed(chunks: readonly Buffer[], isOpen: boolean): { passed: Buffer; connects: number; isEnded: boolean } {
  const passed: Buffer[] = []
  let connects = 0
  const framer = new Framer(limits, {
    connect: (_packet, bytes) => {
      connects++
      passed.push(bytes)
    },
    packets: bytes => passed.push(Buffer.from(bytes)),
    subscribe: () => undefined,
    violation: () => undefined,
  })
  if (isOpen) {
    framer.push(
      mqttPacket.generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clientId: 'x',
        clean: true,
        keepalive: 0,
      }),
    )
    framer.open()
    passed.length = 0
    connects = 0
  }
  for (const chunk of chunks) framer.push(Buffer.from(chunk))
  framer.open()
  return { passed: Buffer.concat(passed), connects, isEnded: framer.phase === 'ended' }
}

/** mqtt-packet's reading, or its complaint. */
function parsed(bytes: Buffer): readonly Packet[] {
  const packets: Packet[] = []
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', packet => packets.push(packet))
  parser.on('error', error => {
    throw new Error(`the framer passed what mqtt-packet cannot read (${error.message}): ${bytes.toString('hex')}`)
  })
  if (parser.parse(bytes) !== 0) throw new Error(`the framer passed a piece of a packet: ${bytes.toString('hex')}`)
  return packets
}

function expectSame(a: Buffer, b: Buffer, what: string): void {
  if (!a.equals(b)) throw new Error(`${what}: ${a.toString('hex')} and ${b.toString('hex')}`)
}

const several = (random: Random): Buffer =>
  Buffer.concat(Array.from({ length: 1 + random.below(5) }, () => anyPacket(random)))

test('framer', { timeout: 0 }, () =>
  fuzz('framer', 0.7, random => {
    const isOpen = random.chance(70)
    const valid = isOpen ? several(random) : Buffer.concat([anyConnect(random), several(random)])
    if (random.chance(20)) {
      const { passed, isEnded } = framed(random.cut(valid), isOpen)
      expectSame(passed, valid, 'valid packets, cut, do not pass as they were')
      if (isEnded) throw new Error(`a valid stream was ended: ${valid.toString('hex')}`)
      parsed(passed)
      return
    }
    const injured = random.injure(valid)
    const whole = framed([injured], isOpen)
    const cut = framed(random.cut(injured), isOpen)
    expectSame(whole.passed, cut.passed, 'how the bytes are cut makes a difference')
    parsed(whole.passed)
    if (isOpen && whole.connects > 0) throw new Error('a second CONNECT passed')
  }),
)
