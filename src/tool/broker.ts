/** The broker that `serve` and `demo` guard: aedes with the persistence that is asked for. The only place of the tool that makes one. */
import { Aedes } from 'aedes'
import type { TimeMemory } from '../accept/newest-time.ts'
import type { OwnerStore } from '../bind/owner-store.ts'
import type { ClusterNode } from '../enforce/aedes/cluster/open-cluster.ts'
import { ownersIn } from '../enforce/aedes/index.ts'
import type { Persistence } from './configured-persistence.ts'

export type { Client } from 'aedes'

export interface MadeBroker {
  readonly broker: Aedes
  /** Whose the sessions are that it keeps; undefined where it keeps none beyond the process. */
  readonly owners: OwnerStore | undefined
  /** Of the newest CRL; undefined where nothing lasts. */
  readonly timeMemory?: TimeMemory
  /** The node, where the broker is one of a cluster. */
  readonly cluster?: ClusterNode
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
  if (persistence.kind === 'redis') return createNode(persistence.url)
  // native code: loaded where it is used
  const { openStore } = await import('../enforce/aedes/store/open-store.ts')
  const store = await openStore(persistence.folder)
  try {
    const options = { ...common, id: store.brokerId, persistence: store.persistence as never }
    const broker = await Aedes.createBroker(options)
    const owners = await ownersIn(broker)
    const { timeMemory } = store
    return { broker, owners, timeMemory, close: () => closeBroker(broker).finally(store.close) }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function createNode(url: string): Promise<MadeBroker> {
  const { openCluster } = await import('../enforce/aedes/cluster/open-cluster.ts')
  const cluster = await openCluster(url)
  try {
    const { brokerId, emitter, owners, timeMemory } = cluster
    const shared = { id: brokerId, mq: emitter as never, persistence: cluster.persistence as never }
    const broker = await Aedes.createBroker({ ...common, ...shared })
    return { broker, owners, timeMemory, cluster, close: () => closeBroker(broker).finally(() => cluster.close()) }
  } catch (error) {
    await cluster.close()
    throw error
  }
}

function closeBroker(broker: Aedes): Promise<void> {
  return new Promise(resolve => broker.close(() => resolve()))
}
