/**
 * The broker to compare with: aedes with the hooks that a careful engineer writes by hand in an afternoon. Mutual TLS, the
 * client id compared with the common name, topics checked by prefix. Never used to serve anything; `demo --unguarded` and
 * the tests show on it that they can fail.
 */
import type { AddressInfo } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { type Client, createBroker } from '../broker.ts'

export interface HandmadeBroker {
  readonly port: number
  /** Replaces its hooks, as a host does that has forgotten what stands there; by some that throw, if it is careless too. */
  assignHooks(kind: 'permissive' | 'throwing'): void
  close(): Promise<void>
}

interface Name {
  readonly site: string
  readonly name: string
}

/** Texts in PEM. */
export interface HandmadeTls {
  readonly key: string
  readonly cert: string
  readonly ca: string
}

const lookUpMs = 30

const names = new WeakMap<Client, Name>()

function nameOf(client: Client): Name {
  const known = names.get(client)
  if (known !== undefined) return known
  const { subject } = (client.conn as TLSSocket).getPeerCertificate()
  const name = { site: String(subject.OU), name: String(subject.CN) }
  names.set(client, name)
  return name
}

function mayPublish({ site, name }: Name, topic: string): boolean {
  if (site === 'staff') return /^(plant\/[^/]+\/[^/]+\/command|\$fleet)\//.test(topic)
  // a gateway speaks for everything on its line
  if (name.startsWith('line-')) return topic.startsWith(`plant/${site}/`)
  return topic.startsWith(`plant/${site}/${name}/telemetry/`) || topic.startsWith(`plant/${site}/${name}/state`)
}

function maySubscribe({ site, name }: Name, filter: string): boolean {
  return site === 'staff' ? /^(#$|plant\/|\$fleet\/)/.test(filter) : filter.startsWith(`plant/${site}/${name}/command/`)
}

/** Starts it on a free port of the loopback address. */
export async function startHandmadeBroker(files: HandmadeTls): Promise<HandmadeBroker> {
  const { broker } = await createBroker()
  broker.preConnect = (_client, packet, done) => {
    // is this client on a list of blocked ones? a look-up, as real ones have
    setTimeout(() => done(null, packet.clientId !== ''), lookUpMs)
  }
  broker.authenticate = (client, _username, _password, done) => {
    setImmediate(() => {
      const name = nameOf(client)
      const isOwn = name.site === 'staff' ? client.id.startsWith(`${name.name}/`) : client.id === name.name
      done(null, isOwn)
    })
  }
  broker.authorizePublish = (client, packet, done) => {
    const name = client && nameOf(client)
    done(name && mayPublish(name, packet.topic) ? null : new Error('not allowed'))
  }
  broker.authorizeSubscribe = (client, subscription, done) => {
    const name = client && nameOf(client)
    done(null, name && maySubscribe(name, subscription.topic) ? subscription : null)
  }
  broker.authorizeForward = (client, packet) => {
    const name = nameOf(client)
    const isCut = name.name.startsWith('audit') && /\/(command|telemetry\/secret)\//.test(packet.topic)
    return isCut ? undefined : packet
  }
  const server = tls.createServer({ ...files, requestCert: true, rejectUnauthorized: true }, socket =>
    broker.handle(socket),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    assignHooks: kind => {
      broker.authorizePublish = (_client, _packet, done) => {
        if (kind === 'throwing') throw new Error('a mistake in a hook')
        done(null)
      }
      broker.authorizeSubscribe = (_client, subscription, done) => done(null, subscription)
    },
    close: async () => {
      await new Promise<void>(resolve => broker.close(() => resolve()))
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}
