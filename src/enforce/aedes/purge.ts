/** Purge: ends everything that aedes keeps for a client id: subscriptions, queue, incoming messages, will (docs/semantics.md 2.3). */
import type { QueueLedger } from '../queue-ledger.ts'
import type { AedesBroker, AedesPublish } from './shape.ts'

/** Resolves with whether there was anything. The queue is emptied as aedes itself would acknowledge it. */
export async function purgeKept(broker: AedesBroker, clientId: string, ledger: QueueLedger): Promise<boolean> {
  const { persistence } = broker
  const client = { id: clientId }
  const subscriptions = await persistence.subscriptionsByClient(client)
  const filters = subscriptions.map(one => one.topic)
  if (filters.length > 0) await persistence.removeSubscriptions(client, filters)
  let queued = 0
  for await (const packet of persistence.outgoingStream(client) as AsyncIterable<AedesPublish>) {
    queued++
    await persistence.outgoingClearMessageId(client, packet)
  }
  ledger.forget(clientId)
  await persistence.cleanIncoming?.(client)
  await persistence.delWill({ id: clientId, brokerId: broker.id })
  return filters.length > 0 || queued > 0
}
