/** The broker that `serve` and `demo` guard: aedes with the persistence that is asked for. The only place of the tool that makes one. */
import { Aedes } from 'aedes'
import type { OwnerStore } from '../bind/owner-store.ts'
import { ownersIn } from '../enforce/aedes/index.ts'
import type { Persistence } from './configured-persistence.ts'

export type { Client } from 'aedes'

export interface MadeBroker {
  readonly broker: Aedes
  /** Whose the sessions are that it keeps; undefined where it keeps none beyond the process. */
  readonly owners: OwnerStore | undefined
  /** Ends the broker, and then what it is kept in. */
  close(): Promise<void>
}

/** A subscriber that stops reading is given up after ten seconds. */
const common = { drainTimeout: 10_000 }

/** A broker that is ready to be guarded. Rejects with ConfigurationError where its persistence cannot be opened. */
export async function createBroker(persistence: Persistence = { kind: 'memory' }): Promise<MadeBroker> {
  if (persistence.kind === 'memory') {
    const broker = await Aedes.createBroker(common)
    return { broker, owners: undefined, close: () => closeBroker(broker) }
  }
  // native code: loaded where it is used
  const { openStore } = await import('../enforce/aedes/store/open-store.ts')
  const store = await openStore(persistence.folder)
  try {
    const options = { ...common, id: store.brokerId, persistence: store.persistence as never }
    const broker = await Aedes.createBroker(options)
    const owners = await ownersIn(broker)
    return { broker, owners, close: () => closeBroker(broker).finally(store.close) }
  } catch (error) {
    await store.close()
    throw error
  }
}

function closeBroker(broker: Aedes): Promise<void> {
  return new Promise(resolve => broker.close(() => resolve()))
}
