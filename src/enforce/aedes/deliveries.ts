/**
 * Deliveries: which messages a connection has been given. aedes remembers the highest counter of a broker only, so it takes a message
 * that was overtaken while it was being stored for one that was sent, and loses it; and a message that is stored just when its
 * session comes back is sent by the queue and by the subscription, which is twice at QoS 2 [MQTT-4.3.3-2], or before what waits there.
 */
import type { Duplex } from 'node:stream'
import type { AedesPublish } from './shape.ts'

/** What is sent twice is sent within moments, or while the queue is being sent. */
const remembered = 4096

/** In the place of what aedes remembers: nothing, so that it takes every message for a new one. */
export const nothingRemembered: Readonly<Record<string, number>> = new Proxy(Object.create(null), {
  get: () => undefined,
  set: () => true,
})

interface Held {
  readonly packets: AedesPublish[]
  bytes: number
}

export class Deliveries {
  readonly #given = new WeakMap<Duplex, Set<string>>()
  readonly #queued = new WeakSet<AedesPublish>()
  readonly #held = new WeakMap<Duplex, Held>()

  /** Whether it is for this one to give the message: nobody has before. */
  claim(conn: Duplex, { brokerId, brokerCounter }: AedesPublish): boolean {
    // what is sent to one client only, such as a retained message
    if (!brokerId) return true
    const given = this.#given.get(conn) ?? new Set<string>()
    this.#given.set(conn, given)
    const key = `${brokerCounter} ${brokerId}`
    if (given.has(key)) return false
    given.add(key)
    if (given.size > remembered) for (const [oldest] of given.entries()) return given.delete(oldest)
    return true
  }

  /**
   * Holds a message until the queue of this connection has been sent: it is younger than what waits there, and must not overtake it
   * [MQTT-4.6.0-6]. Returns how many bytes are held.
   */
  hold(conn: Duplex, packet: AedesPublish): number {
    const held = this.#held.get(conn) ?? { packets: [], bytes: 0 }
    this.#held.set(conn, held)
    held.packets.push(packet)
    held.bytes += packet.payload.length
    return held.bytes
  }

  /** What was held of this connection, in order; from then on nothing is. */
  release(conn: Duplex): readonly AedesPublish[] {
    const packets = this.#held.get(conn)?.packets ?? []
    this.#held.delete(conn)
    return packets
  }

  /** This one is not delivered now, and yet stays in the queue. */
  keep(packet: AedesPublish): void {
    this.#queued.add(packet)
  }

  /** Whether it was said to stay. */
  isKept(packet: AedesPublish): boolean {
    return this.#queued.has(packet)
  }
}

/**
 * aedes decides a delivery, waits for the store, and writes it. This one is not to be written after all: aedes is told that it has
 * been. Never resolves; rejects for an aedes that cannot be told, and the connection ends.
 */
export async function passOver({ writeCallback }: AedesPublish & { writeCallback?: () => void }): Promise<void> {
  if (writeCallback === undefined) throw new Error('the policy changed while a delivery was stored')
  setImmediate(writeCallback)
  await new Promise(() => undefined)
}
