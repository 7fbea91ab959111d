/** The guarded aedes as the conformance suite sees it. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import tls, { type TLSSocket } from 'node:tls'
import WebSocket, { createWebSocketStream } from 'ws'
import type { Persistence } from '../../src/tool/configured-persistence.ts'
import type { BrokerUnderTest, RunningBroker, StartOptions } from '../suites/adapter.ts'
import { type Plant, startPlant } from './plant.ts'
import { RawClient } from './raw-client.ts'
import { SuiteCerts } from './suite-certs.ts'

/** How the same cases reach the same gate. */
export interface Variant {
  readonly name: string
  readonly fastPath?: boolean
  readonly isWebSocket?: boolean
  /** Makes a client that writes in another way. */
  readonly client?: (socket: TLSSocket, stream: Duplex) => RawClient
  /** Makes where sessions are kept, in a folder of its own. */
  readonly persistence?: (folder: string) => Promise<{ persistence: Persistence; close(): Promise<void> }>
  /** Clients come to two brokers in turn. */
  readonly hasTwoNodes?: boolean
  /** Cases that say nothing here, by name, and why. */
  readonly skips?: Readonly<Record<string, string>>
  /** Goes into every CONNECT with a client id that does not say otherwise. */
  readonly connect?: Readonly<Record<string, unknown>>
}

export const guardedAedes: BrokerUnderTest = guardedAedesBy({ name: 'guarded aedes' })

export function guardedAedesBy(variant: Variant): BrokerUnderTest {
  return { name: variant.name, lacks: {}, start: options => start(variant, options) }
}

/** The MQTT stream within a WebSocket of that socket. */
async function webSocketOver(socket: TLSSocket): Promise<Duplex> {
  const client = new WebSocket('wss://localhost/mqtt', 'mqtt', { createConnection: () => socket })
  const stream = createWebSocketStream(client)
  stream.on('error', () => undefined)
  await once(client, 'open')
  return stream
}

async function start(
  { fastPath = true, isWebSocket = false, client, connect: common, persistence, hasTwoNodes = false }: Variant,
  { policy = (yaml: string) => yaml, limits = {} }: StartOptions = {},
): Promise<RunningBroker> {
  const folder = persistence && (await mkdtemp(join(tmpdir(), 'portcullis-kept-')))
  const kept = folder === undefined ? undefined : await persistence?.(folder)
  const how = { edit: policy, limits, fastPath, ...(kept && { persistence: kept.persistence }) }
  const plant = await startPlant({ ...how, ...(isWebSocket ? { wsOrigins: [] } : {}) })
  const nodes = hasTwoNodes ? [plant, await startPlant({ ...how, beside: plant.folder })] : [plant]
  let turn = 0
  const certs = new SuiteCerts(join(plant.folder, 'certs-dev'))
  const open: RunningBroker['open'] = async (name, options) => {
    const credentials = await certs.credentials(name)
    const node = nodes[turn++ % nodes.length] as Plant
    const port = isWebSocket ? node.wsPort : node.port
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...credentials, ...options })
    await once(socket, 'secureConnect')
    const stream = isWebSocket ? await webSocketOver(socket) : socket
    return client?.(socket, stream) ?? new RawClient(socket, stream)
  }
  return {
    open,
    connect: async (name, clientId = name, connect = {}) => {
      const client = await open(name)
      return { client, code: await client.login(clientId, { ...(clientId === '' ? {} : common), ...connect }) }
    },
    changePolicy: async change => {
      const file = join(plant.policies, 'plant.yaml')
      const before = plant.gate.policy.revision
      await writeFile(file, change(await readFile(file, 'utf8')))
      await Promise.all(nodes.map(({ gate }) => gate.reload()))
      if (plant.gate.policy.revision === before) throw new Error('the changed policy was not taken over')
    },
    revoke: async name => {
      await certs.revoke(name)
      await Promise.all(nodes.map(({ gate }) => gate.reloadTrust()))
    },
    assignHooks: async kind => {
      const stumble = (): void => {
        if (kind === 'throwing') throw new Error('a mistake in a hook')
      }
      for (const { broker } of nodes) {
        broker.authenticate = (_client, _username, _password, done) => done(null, true)
        broker.authorizePublish = (_client, _packet, done) => {
          stumble()
          done(null)
        }
        broker.authorizeSubscribe = (_client, subscription, done) => {
          stumble()
          done(null, subscription)
        }
        broker.authorizeForward = (_client, packet) => {
          stumble()
          return packet
        }
      }
    },
    // it runs in this process: what ends it ends the test
    crashed: new Promise(() => undefined),
    close: async () => {
      for (const node of nodes.reverse()) await node.close()
      await kept?.close()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}
