/**
 * Owner store in the broker's own persistence, whatever it is: it lasts exactly as long as the sessions do. Each owner is a
 * retained message under a topic that no rule can name and no client can use.
 */
import { isSameOwner, type Owner, type OwnerStore } from '../../bind/owner-store.ts'
import { ConfigurationError, problem } from '../../problem.ts'
import { reservedTopics } from './hooks.ts'
import type { AedesPersistence } from './shape.ts'

const ownerTopics = `${reservedTopics}owner/`

/** Client ids have slashes and whatever else UTF-8 has. */
const topicOf = (clientId: string): string => ownerTopics + Buffer.from(clientId).toString('base64url')

interface Stored {
  readonly clientId: string
  readonly leaf: string
  readonly issuerKeyId: string
}

/**
 * Opens the store; what it has not read at the start it has written itself, so one broker alone may use a persistence.
 * Rejects with ConfigurationError where a record cannot be read.
 * @example
 * const broker = await Aedes.createBroker({ persistence })
 * const gate = await openGate({ ...options, owners: await ownersIn(broker) })
 */
export async function ownersIn(broker: object): Promise<OwnerStore> {
  const { persistence } = broker as { readonly persistence: AedesPersistence }
  const owners = new Map<string, Owner>()
  for await (const { topic, payload } of persistence.createRetainedStream(`${ownerTopics}+`)) {
    const [clientId, owner] = readOwner(topic, String(payload))
    owners.set(clientId, owner)
  }
  return {
    get: async clientId => owners.get(clientId),
    all: async () => [...owners],
    replace: async (clientId, expected, next) => {
      const before = owners.get(clientId)
      if (!isSameOwner(before, expected)) return false
      if (isSameOwner(before, next)) return true
      // at once, so that whoever races with this one sees it
      note(owners, clientId, next)
      try {
        const message = {
          cmd: 'publish',
          topic: topicOf(clientId),
          payload: payloadOf(clientId, next),
          qos: 1,
          retain: true,
          dup: false,
        } as const
        await persistence.storeRetained(message)
        return true
      } catch (error) {
        note(owners, clientId, before)
        throw error
      }
    },
  }
}

function note(owners: Map<string, Owner>, clientId: string, owner: Owner | undefined): void {
  if (owner === undefined) owners.delete(clientId)
  else owners.set(clientId, owner)
}

/** An empty one removes a retained message [MQTT-3.3.1-10]. */
function payloadOf(clientId: string, owner: Owner | undefined): Buffer {
  if (owner === undefined) return Buffer.alloc(0)
  const stored: Stored = { clientId, leaf: owner.leafDer.toString('base64'), issuerKeyId: owner.issuerKeyId }
  return Buffer.from(JSON.stringify(stored))
}

function readOwner(topic: string, payload: string): readonly [clientId: string, owner: Owner] {
  const { clientId, leaf, issuerKeyId } = parseStored(payload)
  if (topic === topicOf(clientId ?? '') && leaf !== undefined && issuerKeyId !== undefined)
    return [clientId as string, { leafDer: Buffer.from(leaf, 'base64'), issuerKeyId }]
  throw new ConfigurationError([
    problem('enforce/bad-owner', `the persistence has an owner that cannot be read, under ${topic}`, {
      help: 'remove that retained message; the session that it belonged to is then ended at its next log-in',
    }),
  ])
}

function parseStored(payload: string): Partial<Stored> {
  try {
    const stored: unknown = JSON.parse(payload)
    const isRecord =
      typeof stored === 'object' && stored !== null && Object.values(stored).every(one => typeof one === 'string')
    return isRecord ? stored : {}
  } catch {
    return {}
  }
}
