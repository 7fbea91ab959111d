/**
 * Sent messages: what is on its way to each kept session, by packet identifier. aedes begins at a random identifier with every
 * connection, whichever are still taken, and a receiver takes a message with a taken one for the message before [MQTT-4.3.3-2].
 */
import type { AedesPublish } from './shape.ts'

interface Sent {
  /** Which message it is; undefined of a PUBREL whose message was sent by another life of the broker. */
  readonly origin: string | undefined
  /** What it counts for in the queue; undefined where it is not in the queue. */
  size: number | undefined
}

/** With a packet identifier. */
export type Numbered = AedesPublish & { messageId: number }

const lastIdentifier = 65_535

/** Which message it is, among those of all brokers: `BROKER:COUNTER`. */
export const originOf = ({ brokerId, brokerCounter }: AedesPublish): string => `${brokerId}:${brokerCounter}`

export class SentMessages {
  readonly #byClient = new Map<string, Map<number, Sent>>()

  /** Takes an identifier for a message: its own, or the next one that nothing else has. */
  take(clientId: string, packet: Numbered): void {
    const sent = this.#of(clientId)
    const origin = originOf(packet)
    const isFree = (): boolean => !sent.has(packet.messageId) || sent.get(packet.messageId)?.origin === origin
    for (let tried = 0; !isFree() && tried < lastIdentifier; tried++)
      packet.messageId = (packet.messageId % lastIdentifier) + 1
    sent.set(packet.messageId, { origin, size: sent.get(packet.messageId)?.size })
  }

  /** A PUBREL is sent again: its identifier is taken until its PUBCOMP. */
  takeReleased(clientId: string, { messageId }: Numbered): void {
    const sent = this.#of(clientId)
    if (!sent.has(messageId)) sent.set(messageId, { origin: undefined, size: undefined })
  }

  /** The message with this identifier is in the queue, and counts for so much. */
  noteSize(clientId: string, messageId: number, size: number): void {
    const sent = this.#byClient.get(clientId)?.get(messageId)
    if (sent !== undefined) sent.size = size
  }

  /** The identifier is free again. Returns what its message counted for, where that is known: a PUBREL has taken its place. */
  free(clientId: string, messageId: number): number | undefined {
    const sent = this.#byClient.get(clientId)
    const size = sent?.get(messageId)?.size
    sent?.delete(messageId)
    if (sent?.size === 0) this.#byClient.delete(clientId)
    return size
  }

  /** The client is back: what was sent to it without being in the queue will not be acknowledged any more. */
  freeUnqueued(clientId: string): void {
    for (const [messageId, { size }] of this.#byClient.get(clientId) ?? [])
      if (size === undefined) this.free(clientId, messageId)
  }

  #of(clientId: string): Map<number, Sent> {
    const sent = this.#byClient.get(clientId) ?? new Map<number, Sent>()
    this.#byClient.set(clientId, sent)
    return sent
  }
}
