/** What a scene plays in: a broker on a free port, guarded or hand-made, with certificates that live for this run only. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ensureDevCerts } from '../../provision/dev-certs.ts'
import type { Persistence } from '../configured-persistence.ts'
import { type RunningBroker, startGuarded } from '../start-guarded.ts'
import { type Credentials, RawClient } from './raw-client.ts'

export interface World {
  readonly port: () => number
  /** Certificate, key and CA of a development name. */
  credentials(name: string): Promise<Credentials>
  /** A client that has sent CONNECT, and the CONNACK code that came back. */
  connect(
    name: string,
    clientId?: string,
    connect?: Record<string, unknown>,
  ): Promise<{ client: RawClient; code: number | 'closed' }>
  /** Whether the broker still runs; a hand-made one that ended is started again. */
  isAlive(): Promise<boolean>
  close(): Promise<void>
}

/** The policy folder that the package ships. */
const samplePolicies = fileURLToPath(new URL('../../../policies', import.meta.url))

interface Broker {
  readonly port: () => number
  isAlive(): Promise<boolean>
  close(): Promise<void>
}

function startNode(certs: string, persistence: Persistence): Promise<RunningBroker> {
  return startGuarded(
    {
      policies: samplePolicies,
      baseFolder: certs,
      issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
      limits: { connectSeconds: 1 },
      watch: false,
    },
    { port: 0, host: '127.0.0.1', tls: { keyFile: join(certs, 'server.key'), certFile: join(certs, 'server.pem') } },
    {},
    persistence,
  )
}

/** Two nodes where they have a Redis in common; clients come to them in turn. */
async function startGuardedBrokers(certs: string, persistence: Persistence): Promise<Broker> {
  const nodes: RunningBroker[] = []
  const close = async (): Promise<void> => void (await Promise.all(nodes.map(node => node.close())))
  try {
    for (let count = persistence.kind === 'redis' ? 2 : 1; count > 0; count--)
      nodes.push(await startNode(certs, persistence))
  } catch (error) {
    await close()
    throw error
  }
  let turn = 0
  return { port: () => nodes[turn++ % nodes.length]?.address.port ?? 0, isAlive: async () => true, close }
}

/** Longer than the hand-made broker looks anything up. */
const settleMs = 80

async function startHandmade(certs: string): Promise<Broker> {
  const text = (name: string): Promise<string> => readFile(join(certs, name), 'utf8')
  const files = { key: await text('server.key'), cert: await text('server.pem'), ca: await text('root.pem') }
  let child: ChildProcess
  let port = 0
  const start = async (): Promise<void> => {
    child = fork(new URL('./handmade-process.js', import.meta.url), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    child.send(files)
    ;[port] = (await once(child, 'message')) as [number]
  }
  await start()
  return {
    port: () => port,
    isAlive: async () => {
      // it may end a look-up later than the scene that ended it
      await setTimeout(settleMs)
      if (child.exitCode === null && child.signalCode === null) return true
      await start()
      return false
    },
    close: async () => {
      if (child.exitCode !== null) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

export interface WorldOptions {
  readonly isGuarded: boolean
  /** Of the guarded broker; on a Redis there are two. */
  readonly persistence: Persistence
}

/** Opens a world. Rejects with ConfigurationError where the Redis cannot be used. */
export async function openWorld({ isGuarded, persistence }: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-demo-'))
  const certs = join(folder, 'certs')
  await ensureDevCerts(certs, () => new Date())
  const started = isGuarded ? startGuardedBrokers(certs, persistence) : startHandmade(certs)
  const broker = await started.catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  const text = (name: string): Promise<string> => readFile(join(certs, name), 'utf8')
  const credentials = async (name: string): Promise<Credentials> => ({
    key: await text(`${name}.key`),
    cert: await text(`${name}.pem`),
    ca: await text('ca.pem'),
  })
  return {
    port: broker.port,
    credentials,
    connect: async (name, clientId = name, connect = {}) =>
      RawClient.connect(broker.port(), await credentials(name), clientId, connect),
    isAlive: broker.isAlive,
    close: async () => {
      await broker.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
