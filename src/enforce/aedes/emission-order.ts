/** Emission order: messages are emitted in the order in which they were published, however long a store takes for each [MQTT-4.6.0-6]. */
import type { AedesBroker, AedesPublish } from './shape.ts'

interface Turn {
  /** Emits, as soon as aedes has come so far. */
  emit: (() => void) | undefined
  /** It has been emitted, or never will be. */
  isOver: boolean
}

export class EmissionOrder {
  readonly #broker: AedesBroker
  readonly #turns = new Map<number, Turn>()

  /** Takes over `mq.emit` of this broker. */
  constructor(broker: AedesBroker) {
    this.#broker = broker
    const { mq } = broker
    const emit = mq.emit.bind(mq)
    mq.emit = (packet: AedesPublish, done?: (error?: Error | null) => void) => {
      const turn = packet.brokerId === broker.id ? this.#turns.get(packet.brokerCounter ?? 0) : undefined
      if (turn === undefined) return emit(packet, done)
      turn.emit = () => emit(packet, done)
      this.#proceed()
    }
  }

  /** The next message that the broker publishes gets its turn; what it returns ends the turn of a message that failed. */
  next(): () => void {
    const number = this.#broker.counter + 1
    const turn: Turn = { emit: undefined, isOver: false }
    this.#turns.set(number, turn)
    return () => {
      turn.isOver = true
      this.#proceed()
    }
  }

  /** The map keeps the order in which turns were given. */
  #proceed(): void {
    for (const [number, turn] of this.#turns) {
      if (turn.emit === undefined && !turn.isOver) return
      this.#turns.delete(number)
      turn.emit?.()
    }
  }
}
