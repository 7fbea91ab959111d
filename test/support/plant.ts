/** The sample plant as a running guarded broker: real sockets, real certificates, ephemeral port, and its trace. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Aedes } from 'aedes'
import type { Limits } from '../../src/accept/limits.ts'
import type { OwnerStore } from '../../src/bind/owner-store.ts'
import { type Guarded, guard, type Listening, listen } from '../../src/enforce/aedes/index.ts'
import type { Gate } from '../../src/gate.ts'
import { openGate } from '../../src/open-gate.ts'
import { createBroker } from '../../src/tool/broker.ts'
import type { Persistence } from '../../src/tool/configured-persistence.ts'
import type { Trace, TraceEvent } from '../../src/trace.ts'
import { devCertsIn } from './dev-certs.ts'
import type { Credentials } from './raw-client.ts'

export interface PlantOptions {
  readonly limits?: Partial<Limits>
  /** Changes the text of plant.yaml before the gate opens. */
  readonly edit?: (yaml: string) => string
  /** Sets hooks on the broker before it is guarded. */
  readonly host?: (broker: Aedes) => void
  readonly watch?: boolean
  readonly owners?: OwnerStore
  readonly now?: () => number
  /** Serves WebSocket too, to these web origins. */
  readonly wsOrigins?: readonly string[]
  readonly fastPath?: boolean
  readonly proxyFrom?: readonly string[]
  readonly reportOnly?: boolean
  /** Where the broker keeps sessions. Default: in memory. */
  readonly persistence?: Persistence
  /** The folder of another plant, which this one is a further node of. */
  readonly beside?: string
  /** Makes the text of plant.yaml into that of a candidate set. */
  readonly candidate?: (yaml: string) => string
  /** Is told everything too. */
  readonly trace?: Trace
}

export interface Plant {
  readonly port: number
  readonly wsPort: number
  readonly folder: string
  readonly policies: string
  readonly gate: Gate
  readonly broker: Aedes
  readonly guarded: Guarded
  readonly listener: Listening
  readonly events: readonly TraceEvent[]
  /** Certificate, key and CA of one of the development names. */
  as(name: string): Promise<Credentials>
  /** Resolves with the first event, past or to come, that fits. */
  event(fits: (event: TraceEvent) => boolean): Promise<TraceEvent>
  close(): Promise<void>
}

/** True for a refusal with that code. */
export const refusedWith =
  (code: string) =>
  (event: TraceEvent): boolean =>
    'problem' in event && event.problem?.code === code

export async function startPlant(options: PlantOptions = {}): Promise<Plant> {
  const opened: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const end of opened.splice(0).reverse()) await end()
  }
  try {
    return { ...(await open(options, opened)), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** `opened`: gets what is to be done at the end, last first, also of a start that fails. */
async function open(options: PlantOptions, opened: (() => Promise<unknown>)[]): Promise<Omit<Plant, 'close'>> {
  const folder = options.beside ?? (await mkdtemp(join(tmpdir(), 'portcullis-plant-')))
  if (options.beside === undefined) opened.push(() => rm(folder, { recursive: true, force: true }))
  const certs = join(folder, 'certs-dev')
  const policies = join(folder, 'policies')
  if (options.beside === undefined) {
    await devCertsIn(certs)
    await cp(new URL('../../policies', import.meta.url), policies, { recursive: true })
  }
  if (options.beside === undefined && options.edit !== undefined) {
    const file = join(policies, 'plant.yaml')
    await writeFile(file, options.edit(await readFile(file, 'utf8')))
    // the sample's own tests are about the sample as it is
    await rm(join(policies, 'plant.test.yaml'))
  }
  const candidate = join(folder, 'candidate')
  if (options.candidate !== undefined) {
    await cp(policies, candidate, { recursive: true })
    await rm(join(candidate, 'plant.test.yaml'), { force: true })
    const yaml = await readFile(join(policies, 'plant.yaml'), 'utf8')
    await writeFile(join(candidate, 'plant.yaml'), options.candidate(yaml))
  }
  const events: TraceEvent[] = []
  const waiting = new Set<() => void>()
  const { broker, owners, cluster, close } = await createBroker(options.persistence)
  opened.push(close)
  const gate = await openGate({
    ...(owners && { owners }),
    ...(cluster && { registry: cluster.registry }),
    policies,
    baseFolder: certs,
    issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
    limits: options.limits ?? {},
    watch: options.watch ?? false,
    reportOnly: options.reportOnly ?? false,
    ...(options.candidate === undefined ? {} : { candidate }),
    ...(options.owners === undefined ? {} : { owners: options.owners }),
    ...(options.now === undefined ? {} : { now: options.now }),
    trace: event => {
      events.push(event)
      options.trace?.(event)
      for (const wake of waiting) wake()
    },
  })
  opened.push(() => gate.close())
  options.host?.(broker)
  const guarded = guard(broker, gate, { fastPath: options.fastPath ?? true })
  await guarded.restore({ isShared: cluster !== undefined })
  await cluster?.join(gate)
  const listener = await listen(guarded, {
    port: 0,
    host: '127.0.0.1',
    proxyFrom: options.proxyFrom,
    tls: { keyFile: join(certs, 'server.key'), certFile: join(certs, 'server.pem') },
    ...(options.wsOrigins === undefined ? {} : { wsPort: 0, wsOrigins: options.wsOrigins }),
  })
  opened.push(() => listener.close())
  const text = (name: string): Promise<string> => readFile(join(certs, name), 'utf8')
  return {
    port: listener.address.port,
    wsPort: listener.wsAddress?.port ?? 0,
    folder,
    policies,
    gate,
    broker,
    guarded,
    listener,
    events,
    as: async name => ({ key: await text(`${name}.key`), cert: await text(`${name}.pem`), ca: await text('ca.pem') }),
    event: fits =>
      new Promise(resolve => {
        const look = (): void => {
          const found = events.find(fits)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
  }
}
