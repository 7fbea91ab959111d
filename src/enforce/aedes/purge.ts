/** Purge: ends everything that aedes keeps for a client id: subscriptions, queue, incoming messages, will (docs/semantics.md 2.3). */
import type { Readable } from 'node:stream'
import type { QueueLedger } from '../queue-ledger.ts'
import { storedQueue } from './persistence.ts'
import type { AedesBroker, AedesPublish } from './shape.ts'

/** Resolves with whether there was anything. The queue is emptied as aedes itself would acknowledge it. */
export async function purgeKept(broker: AedesBroker, clientId: string, ledger: QueueLedger): Promise<boolean> {
  const { persistence } = broker
  const client = { id: clientId }
  const subscriptions = await persistence.subscriptionsByClient(client)
  const filters = subscriptions.map(one => one.topic)
  if (filters.length > 0) await persistence.removeSubscriptions(client, filters)
  const queued = await read(storedQueue(persistence, client))
  for (const packet of queued) await persistence.outgoingClearMessageId(client, packet)
  ledger.forget(clientId)
  await persistence.cleanIncoming?.(client)
  await persistence.delWill({ id: clientId, brokerId: broker.id })
  return filters.length > 0 || queued.length > 0
}

/** Every message of a queue. An async iterator would cost more than the rest of a log-in. */
function read(queue: Readable): Promise<readonly AedesPublish[]> {
  return new Promise((resolve, reject) => {
    const packets: AedesPublish[] = []
    queue.on('data', (packet: AedesPublish) => packets.push(packet))
    queue.once('end', () => resolve(packets))
    queue.once('error', reject)
    queue.once('close', () => reject(new Error('the queue was closed before its end')))
  })
}
