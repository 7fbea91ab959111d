/** The methods of a persistence as they were before the guard took their places. */
import type { AedesPersistence } from './shape.ts'

const names = [
  'storeRetained',
  'createRetainedStreamCombi',
  'addSubscriptions',
  'removeSubscriptions',
  'subscriptionsByTopic',
  'outgoingEnqueue',
  'outgoingEnqueueCombi',
  'outgoingUpdate',
  'outgoingClearMessageId',
  'outgoingStream',
  'incomingGetPacket',
  'incomingStorePacket',
  'incomingDelPacket',
  'putWill',
  'delWill',
] as const

export function boundPersistence(persistence: AedesPersistence): AedesPersistence {
  return Object.fromEntries(names.map(name => [name, bound(persistence, name)])) as never
}

function bound(persistence: AedesPersistence, name: keyof AedesPersistence): (...args: never[]) => unknown {
  const method = persistence[name] as (this: unknown, ...args: never[]) => unknown
  return (...args) => method.apply(persistence, args)
}
