/**
 * Messages received at QoS 2 that are not stored yet: that a message was received is written together with what becomes of it, or a
 * crash between the two would lose it, or have it come twice [MQTT-4.3.3-2].
 */
type ById = { readonly id: string }

interface Received<T> {
  /** Undefined as soon as it has been taken for writing. */
  unwritten: T | undefined
  /** Resolves when its publication is over; undefined where none has begun. */
  ended: Promise<void> | undefined
  end: () => void
}

const keyOf = ({ id }: ById, messageId: number | '' = 0): string => `${encodeURIComponent(id)} ${messageId}`

/** `T` is what is to be written of a message. */
export class ReceivedMessages<T> {
  readonly #received = new Map<string, Received<T>>()
  /** By counter of the broker: the message that is being published is this one of those, or was until it was forgotten. */
  readonly #publishing = new Map<number, { readonly key: string; readonly received: Received<T> }>()

  add(client: ById, messageId: number | undefined, unwritten: T): void {
    this.#received.set(keyOf(client, messageId), { unwritten, ended: undefined, end: () => undefined })
  }

  /** What is still to be written of a message; waits for its publication, where one is under way. */
  async find(client: ById, messageId: number | undefined): Promise<T | undefined> {
    const key = keyOf(client, messageId)
    await this.#received.get(key)?.ended
    return this.#received.get(key)?.unwritten
  }

  forget(client: ById, messageId: number | undefined): void {
    this.#received.delete(keyOf(client, messageId))
  }

  forgetAll(client: ById): void {
    const own = keyOf(client, '')
    for (const key of this.#received.keys()) if (key.startsWith(own)) this.#received.delete(key)
  }

  /** The next message that the broker publishes, which gets this counter, is the one received with this identifier. */
  publishing(client: ById, messageId: number, brokerCounter: number): void {
    const key = keyOf(client, messageId)
    const received = this.#received.get(key)
    if (received === undefined) return
    received.ended = new Promise(resolve => {
      received.end = resolve
    })
    this.#publishing.set(brokerCounter, { key, received })
  }

  /** What is to be written of the message that is published under this counter, once. */
  take(brokerCounter = 0): readonly T[] {
    const key = this.#publishing.get(brokerCounter)?.key
    const received = key === undefined ? undefined : this.#received.get(key)
    if (received?.unwritten === undefined) return []
    const { unwritten } = received
    received.unwritten = undefined
    return [unwritten]
  }

  /** The publication is over: whoever waits for it goes on, also where the message has been forgotten meanwhile. */
  end(brokerCounter: number): void {
    const publishing = this.#publishing.get(brokerCounter)
    if (publishing === undefined) return
    const { key, received } = publishing
    this.#publishing.delete(brokerCounter)
    received.end()
    if (this.#received.get(key) === received) this.#received.delete(key)
  }
}
