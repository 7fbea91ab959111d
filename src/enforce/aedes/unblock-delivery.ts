/**
 * aedes's emitter waits until every receiver has taken a message, so one that does not read would hold up all others. A live
 * delivery is reported done at once instead; what a slow connection has not taken is bounded by `hook-forward` and destroyed.
 */
import type { AedesBroker, Deliver } from './shape.ts'

/** The names of the two functions that aedes 1.2 subscribes for its clients; a host's own functions are waited for as before. */
const clientDeliveries: ReadonlySet<string> = new Set(['handlePacketSubscription', 'deliverSharp'])

const nobody = (): void => undefined

export function unblockDelivery(broker: AedesBroker): void {
  const unblocked = new WeakMap<Deliver, Deliver>()
  const subscribe = broker.subscribe
  const unsubscribe = broker.unsubscribe
  broker.subscribe = (topic, deliver, done) => {
    if (!clientDeliveries.has(deliver.name)) return subscribe.call(broker, topic, deliver, done)
    const atOnce: Deliver = function (packet, taken) {
      deliver.call(this, packet, nobody)
      taken()
    }
    unblocked.set(deliver, atOnce)
    subscribe.call(broker, topic, atOnce, done)
  }
  broker.unsubscribe = (topic, deliver, done) =>
    unsubscribe.call(broker, topic, unblocked.get(deliver) ?? deliver, done)
}
