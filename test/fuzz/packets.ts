/** Packets that a client may send, of every kind. */
import mqttPacket, { type Packet } from 'mqtt-packet'
import type { Random } from './random.ts'

const topics = ['a', 'a/b', '/', 'a//b', 'ü/é', '$x/y', 'plant/s1/pump-7/telemetry/temp', 'x'.repeat(200)]
const filters = [...topics, '#', '+', 'a/#', '+/b', 'a/+/c', '$share/g/a', 'plant/s1/pump-7/command/start']

export function anyConnect(random: Random, clientId = random.pick(['pump-7', '', 'x'.repeat(30), 'ü'])): Buffer {
  const will = {
    topic: random.pick(topics),
    payload: random.bytes(random.below(50)),
    qos: random.below(3),
    retain: random.chance(50),
  }
  const isOld = clientId !== '' && random.chance(10)
  return bytesOf({
    cmd: 'connect',
    protocolId: isOld ? 'MQIsdp' : 'MQTT',
    protocolVersion: isOld ? 3 : 4,
    clientId,
    clean: clientId === '' || random.chance(50),
    keepalive: random.below(65_536),
    ...(random.chance(30) ? { will } : {}),
    ...(random.chance(30) ? { username: 'someone', ...(random.chance(50) ? { password: random.bytes(5) } : {}) } : {}),
  })
}

export function anyPacket(random: Random): Buffer {
  const messageId = 1 + random.below(65_535)
  const some = <T>(make: () => T): T[] => Array.from({ length: 1 + random.below(4) }, make)
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {
      const qos = random.below(3)
      const payload = random.bytes(random.pick([0, 1, 20, 300]))
      const dup = qos > 0 && random.chance(20)
      return bytesOf({
        cmd: 'publish',
        topic: random.pick(topics),
        payload,
        qos,
        dup,
        retain: random.chance(20),
        messageId,
      })
    }
    case 3:
      return bytesOf({ cmd: random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp']), messageId })
    case 4:
      return bytesOf({
        cmd: 'subscribe',
        messageId,
        subscriptions: some(() => ({ topic: random.pick(filters), qos: random.below(3) })),
      })
    case 5:
      return bytesOf({ cmd: 'unsubscribe', messageId, unsubscriptions: some(() => random.pick(filters)) })
    default:
      return bytesOf({ cmd: 'pingreq' })
  }
}

export const bytesOf = (packet: Record<string, unknown>): Buffer => mqttPacket.generate(packet as unknown as Packet)
