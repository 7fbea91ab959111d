/**
 * Restore: a store that was written in another life of the broker, perhaps under another policy, comes under the one in force
 * before anybody connects (docs/semantics.md 4.1). What is left is counted, so that limits hold as if nothing had happened.
 */
import { once } from 'node:events'
import { identityKey } from '../../bind/identity-key.ts'
import type { Gate } from '../../gate.ts'
import type { QueueLedger } from '../queue-ledger.ts'
import { sizeOf } from './guarded-queue.ts'
import type { AedesBroker, AedesPublish } from './shape.ts'
import { sendStaleWill } from './stale-will.ts'

/** Ends the kept sessions of who is nobody any more, takes out of queues what may not be sent, and sends the wills of that life. */
export async function restoreKept(
  broker: AedesBroker,
  gate: Gate,
  ledger: QueueLedger,
  isShared: boolean,
): Promise<void> {
  await gate.review()
  // the queues of a session that another broker has are being read there
  if (isShared) return
  for (const clientId of gate.sessions.keptIds) await countQueue(broker, gate, ledger, clientId)
  const wills: AedesPublish[] = []
  // nobody has connected in this life: all of them are of clients that are gone
  for await (const will of broker.persistence.streamWill({}) as AsyncIterable<AedesPublish>) wills.push(will)
  for (const will of wills) await sendStaleWill(broker, will)
}

/** Reading a queue takes out of it what its session may not have any more. */
async function countQueue(broker: AedesBroker, gate: Gate, ledger: QueueLedger, clientId: string): Promise<void> {
  const mapping = gate.keptMapping(clientId)
  if (mapping === undefined) return
  const queue = broker.persistence.outgoingStream({ id: clientId })
  queue.on('data', (packet: AedesPublish) => ledger.count(clientId, identityKey(mapping.identity), sizeOf(packet)))
  await once(queue, 'end')
}
