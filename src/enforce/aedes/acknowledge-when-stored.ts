/**
 * Acknowledges a message when it is stored. aedes sends PUBACK before it looks for whom a message is: a crash in between would lose what
 * its sender has been told is safe. Here the answer waits, and answers leave in the order of their messages [MQTT-4.6.0-2].
 */
import type { Duplex } from 'node:stream'
import { EmissionOrder } from './emission-order.ts'
import type { AedesBroker, AedesClient, AedesPersistence, AedesPublish, Publish } from './shape.ts'

/** What a store may add: that a message is on its disk, and was received, in one. */
interface Confirming {
  publishing(client: { readonly id: string }, messageId: number, brokerCounter: number): void
  published(brokerCounter: number): Promise<void>
  unpublished(brokerCounter: number): void
}

const isConfirming = (persistence: object): persistence is AedesPersistence & Confirming => 'published' in persistence

export class Acknowledgements {
  readonly #held = new WeakSet<AedesPublish>()
  readonly #queues = new WeakMap<Duplex, { messageId: number; isStored: boolean }[]>()
  readonly #broker: AedesBroker
  readonly #publish: Publish
  readonly #order: EmissionOrder

  /** Takes over `publish` of this broker. */
  constructor(broker: AedesBroker) {
    this.#broker = broker
    this.#publish = broker.publish
    this.#order = new EmissionOrder(broker)
    broker.publish = (...[packet, client, done]: Parameters<Publish>): void => {
      // aedes calls it without a client for what it says itself
      if (typeof client === 'function') this.#publishInOrder(packet, null, client)
      else if (client === null || packet.messageId === undefined) this.#publishInOrder(packet, client, done)
      else this.#publishFor(client, packet, done)
    }
  }

  /** To be called when a publish has been permitted: aedes is to answer nothing itself. It asks for the QoS right afterwards. */
  hold(packet: AedesPublish): void {
    if (packet.qos !== 1) return
    packet.qos = 0
    this.#held.add(packet)
  }

  #publishFor(client: AedesClient, packet: AedesPublish, done: (error?: Error | null) => void): void {
    const isHeld = this.#held.delete(packet)
    if (isHeld) packet.qos = 1
    const { messageId = 0 } = packet
    const acknowledge = isHeld ? this.#place(client.conn, messageId) : () => undefined
    const { persistence, counter } = this.#broker
    const confirming = isConfirming(persistence) ? persistence : undefined
    const number = counter + 1
    if (packet.qos === 2) confirming?.publishing(client, messageId, number)
    this.#publishInOrder(packet, client, error => {
      if (error) {
        confirming?.unpublished(number)
        // noted as received before it was for anybody: sent again, it would be acknowledged and go nowhere
        if (confirming === undefined && packet.qos === 2)
          persistence.incomingDelPacket(client, packet).then(() => done(error), done)
        else done(error)
        return
      }
      const stored = confirming?.published(number) ?? Promise.resolve()
      stored.then(() => {
        acknowledge()
        done()
      }, done)
    })
  }

  #publishInOrder(packet: AedesPublish, client: AedesClient | null, done: (error?: Error | null) => void): void {
    const endTurn = this.#order.next()
    const before = this.#broker.counter
    this.#publish.call(this.#broker, packet, client, error => {
      endTurn()
      done?.(error)
    })
    // refused outright: it has got no number
    if (this.#broker.counter === before) endTurn()
  }

  /** A place in the order of answers; what it returns says that the message is stored. */
  #place(conn: Duplex, messageId: number): () => void {
    const queue = this.#queues.get(conn) ?? []
    this.#queues.set(conn, queue)
    const place = { messageId, isStored: false }
    queue.push(place)
    return () => {
      place.isStored = true
      while (queue[0]?.isStored) {
        const [first] = queue.splice(0, 1)
        if (first !== undefined && !conn.destroyed && !conn.writableEnded) conn.write(puback(first.messageId))
      }
    }
  }
}

/** MQTT 3.1.1, 3.4 */
function puback(messageId: number): Buffer {
  return Buffer.from([0x40, 2, messageId >>> 8, messageId & 0xff])
}
