/**
 * Stale wills: of clients whose broker has gone, in an earlier life or on another node. aedes looks for them now and then, but lets one
 * that cannot be sent end the process, and decides it under whoever is connected by that client id now.
 */
import type { AedesBroker, AedesClient, AedesPublish } from './shape.ts'

/** Whether a publish is such a will: what comes from a client has no client id with it, and its own will is the very object. */
export const isStaleWill = (client: AedesClient, packet: AedesPublish): boolean =>
  packet.clientId !== undefined && packet !== client.will

/** Sends one, or drops it where its owner may not say it any more (docs/semantics.md 3.7), and takes it out of the store. */
export async function sendStaleWill(broker: AedesBroker, will: AedesPublish): Promise<void> {
  // under the name of that broker it would get a counter of this one, and with it the place of a message that waits in a queue
  const { brokerId, brokerCounter: _, ...message } = will
  const { clientId: id = '' } = message
  await called(done => broker.authorizePublish(null, message, done))
  await called(done => broker.publish(message, null, done))
  await broker.persistence.delWill(brokerId === undefined ? { id } : { id, brokerId })
}

function called(act: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => act(error => (error ? reject(error) : resolve())))
}
