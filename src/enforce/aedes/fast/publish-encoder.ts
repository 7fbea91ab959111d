/** Publish encoder: a QoS 0 PUBLISH as bytes, made once for all who receive it (MQTT 3.1.1 §3.3). */
import type { AedesPublish } from '../shape.ts'

const longestTopic = 0xffff
/** MQTT 3.1.1 §2.2.3 */
const largestLength = 268_435_455

export class PublishEncoder {
  #last:
    | { readonly brokerId: string; readonly counter: number; readonly topic: string; readonly retain: boolean }
    | undefined
  #bytes: Buffer | undefined

  /**
   * The packet, or undefined where it cannot be one. Receivers of one message get the same bytes; pass `isShared: false` where
   * somebody may have changed the message for this receiver alone.
   */
  encode(message: AedesPublish, isShared: boolean): Buffer | undefined {
    const { brokerId, brokerCounter: counter, topic, retain } = message
    const last = this.#last
    if (
      isShared &&
      last !== undefined &&
      last.counter === counter &&
      last.brokerId === brokerId &&
      last.topic === topic &&
      last.retain === retain
    ) {
      return this.#bytes
    }
    const bytes = encodePublish(message)
    // a message without these is one that nobody shares, such as a retained one
    const isKnown = isShared && brokerId != null && counter !== undefined
    this.#last = isKnown ? { brokerId, counter, topic, retain } : undefined
    this.#bytes = isKnown ? bytes : undefined
    return bytes
  }
}

function encodePublish({ topic, payload, retain }: AedesPublish): Buffer | undefined {
  if (typeof topic !== 'string' || !(typeof payload === 'string' || Buffer.isBuffer(payload))) return undefined
  const topicLength = Buffer.byteLength(topic)
  const payloadLength = Buffer.byteLength(payload)
  const length = 2 + topicLength + payloadLength
  if (topicLength === 0 || topicLength > longestTopic || length > largestLength) return undefined
  const lengthBytes = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4
  const bytes = Buffer.allocUnsafe(1 + lengthBytes + length)
  let at = 0
  bytes[at++] = 0x30 | (retain ? 1 : 0)
  let rest = length
  for (let left = lengthBytes; left > 0; left--) {
    bytes[at++] = (rest & 0x7f) | (left > 1 ? 0x80 : 0)
    rest >>>= 7
  }
  bytes[at++] = topicLength >> 8
  bytes[at++] = topicLength & 0xff
  at += bytes.write(topic, at, 'utf8')
  if (typeof payload === 'string') bytes.write(payload, at, 'utf8')
  else payload.copy(bytes, at)
  return bytes
}
