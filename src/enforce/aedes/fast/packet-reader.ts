/**
 * Packets as aedes' handlers take them, read from bytes that the framer has passed: no more than a few fields and a view of the
 * payload. The rare types are left to aedes' own parser.
 */
import { packetType } from '../../../accept/framer/packet-rules.ts'
import type { Qos } from '../shape.ts'

/** The fields that mqtt-packet's parser sets, in its order. */
export interface ReadPacket {
  cmd: string
  retain: boolean
  qos: Qos
  dup: boolean
  length: number
  topic: string | null
  payload: Buffer | null
  messageId?: number
}

export interface PacketSink {
  packet(packet: ReadPacket): void
  /** A whole packet of a type that is not read here. */
  other(bytes: Buffer): void
}

const acknowledgements: Readonly<Record<number, string>> = { 4: 'puback', 5: 'pubrec', 6: 'pubrel', 7: 'pubcomp' }
const pingreq = 12

/** A view keeps the whole chunk that it was cut from: a payload that may be stored is copied out of one that is much larger. */
const isPinning = (payload: number, chunk: number): boolean => payload * 2 < chunk

/**
 * Reads a run of whole packets that the framer has found valid; it looks at nothing again.
 * @example readPackets(run, { packet: packet => handle(packet), other: bytes => parser.parse(bytes) })
 */
export function readPackets(run: Buffer, sink: PacketSink): void {
  for (let at = 0; at < run.length; ) {
    const first = run[at] as number
    let bodyAt = at + 1
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = run[bodyAt++] as number
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    const end = bodyAt + length
    const type = first >> 4
    const acknowledgement = acknowledgements[type]
    if (type === packetType.publish) sink.packet(readPublish(run, first, bodyAt, end))
    else if (acknowledgement !== undefined) sink.packet(readShort(acknowledgement, first, length, uint16(run, bodyAt)))
    else if (type === pingreq) sink.packet(readShort('pingreq', first, length))
    else sink.other(run.subarray(at, end))
    at = end
  }
}

const uint16 = (bytes: Buffer, at: number): number => ((bytes[at] as number) << 8) | (bytes[at + 1] as number)

function readPublish(run: Buffer, first: number, bodyAt: number, end: number): ReadPacket {
  const qos = ((first >> 1) & 3) as Qos
  const retain = (first & 1) !== 0
  const topicEnd = bodyAt + 2 + uint16(run, bodyAt)
  const payloadAt = qos === 0 ? topicEnd : topicEnd + 2
  const isStored = retain || qos > 0
  const view = run.subarray(payloadAt, end)
  const packet: ReadPacket = {
    cmd: 'publish',
    retain,
    qos,
    dup: (first & 8) !== 0,
    length: end - bodyAt,
    topic: run.toString('utf8', bodyAt + 2, topicEnd),
    payload: isStored && isPinning(view.length, run.buffer.byteLength) ? Buffer.from(view) : view,
  }
  if (qos > 0) packet.messageId = uint16(run, topicEnd)
  return packet
}

function readShort(cmd: string, first: number, length: number, messageId?: number): ReadPacket {
  const qos = ((first >> 1) & 3) as Qos
  const packet: ReadPacket = { cmd, retain: false, qos, dup: false, length, topic: null, payload: null }
  if (messageId !== undefined) packet.messageId = messageId
  return packet
}
