/** What a scene plays in: a broker on a free port, guarded or hand-made, with certificates that live for this run only. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ensureDevCerts } from '../../provision/dev-certs.ts'
import { startGuarded } from '../start-guarded.ts'
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

async function startGuardedBroker(certs: string): Promise<Broker> {
  const running = await startGuarded(
    {
      policies: samplePolicies,
      baseFolder: certs,
      issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
      limits: { connectSeconds: 1 },
      watch: false,
    },
    { port: 0, host: '127.0.0.1', tls: { keyFile: join(certs, 'server.key'), certFile: join(certs, 'server.pem') } },
  )
  return { port: () => running.address.port, isAlive: async () => true, close: running.close }
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

/** Opens a world. */
export async function openWorld(options: { readonly isGuarded: boolean }): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-demo-'))
  const certs = join(folder, 'certs')
  await ensureDevCerts(certs, () => new Date())
  const broker = options.isGuarded ? await startGuardedBroker(certs) : await startHandmade(certs)
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
