import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, renameSync } from 'node:fs'
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readPeer } from '../src/accept/peer.ts'
import { MemoryOwnerStore, type Owner } from '../src/bind/owner-store.ts'
import type { ConnectFacts } from '../src/gate.ts'
import type { Peer } from '../src/index.ts'
import { ensureDevCerts } from '../src/provision/dev-certs.ts'
import { type Plant, startPlant } from './support/plant.ts'
import { RawClient } from './support/raw-client.ts'
import { SuiteCerts } from './support/suite-certs.ts'

const connect: ConnectFacts = { clientId: 'pump-7', protocolVersion: 4, clean: true }

/** The peer that a name's certificate makes, without a socket. */
async function peerOf(plant: Plant, name: string): Promise<Peer> {
  const { cert } = await plant.as(name)
  const leafDer = Buffer.from(/-----BEGIN CERTIFICATE-----([^-]+)/.exec(cert ?? '')?.[1] ?? '', 'base64')
  return {
    address: '127.0.0.1',
    port: 1,
    leafDer,
    fingerprint: name,
    authorized: true,
    authorizationError: undefined,
    resumed: false,
  }
}

describe('a gate without a broker', () => {
  let plant: Plant
  beforeAll(async () => {
    plant = await startPlant()
  })
  afterAll(() => plant.close())

  test('admits a device under its own name and decides for it', async () => {
    const admission = await plant.gate.admit(await peerOf(plant, 'pump-7'), connect)
    if (admission.effect === 'refuse') throw new Error(admission.problem.sentence)
    const { session } = admission
    expect(session.publish('plant/s1/pump-7/telemetry/temp', { qos: 1, retain: false, payloadBytes: 4 }).effect).toBe(
      'permit',
    )
    expect(session.publish('plant/s1/pump-7/+', { qos: 0, retain: false, payloadBytes: 0 })).toMatchObject({
      effect: 'refuse',
      problem: { code: 'decide/illegal-topic' },
    })
    expect(session.subscribe('$share/g/plant/s1/pump-7/command/start', 0)).toMatchObject({
      problem: { code: 'decide/shared-subscription' },
    })
    session.close()
  })

  test('goes on with one copy of a certificate, however many connections show it', async () => {
    const shown = [await peerOf(plant, 'pump-7'), await peerOf(plant, 'pump-7')]
    const trusted = shown.map(peer => plant.gate.trust(peer))
    const leaves = trusted.map(result => (result.ok ? result.value.leafDer : undefined))
    expect(leaves).toEqual(shown.map(({ leafDer }) => leafDer))
    expect(leaves[0]?.buffer).toBe(leaves[1]?.buffer)
  })

  test('refuses a peer that TLS does not trust, whatever the certificate says', async () => {
    const peer = { ...(await peerOf(plant, 'pump-7')), authorized: false, authorizationError: 'CERT_UNTRUSTED' }
    const admission = await plant.gate.admit(peer, connect)
    expect(admission).toMatchObject({
      effect: 'refuse',
      returnCode: 5,
      problem: { code: 'accept/untrusted-certificate' },
    })
  })

  test('refuses a peer without a leaf, such as a socket that is gone already', async () => {
    const client = await RawClient.open(plant.port, await plant.as('pump-7'))
    await client.close()
    const admission = await plant.gate.admit(readPeer(client.socket), connect)
    expect(admission).toMatchObject({ effect: 'refuse', problem: { code: 'accept/no-certificate' } })
  })
})

describe('change', () => {
  test('a good change takes effect at the next decision, a broken one is refused and nothing drops', async () => {
    const plant = await startPlant({ watch: true })
    const file = join(plant.policies, 'plant.yaml')
    const before = await readFile(file, 'utf8')
    const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(await client.publish('plant/s1/pump-7/telemetry/temp')).toBe('acknowledged')

    await writeFile(file, before.replace('clientId:', 'clientld:'))
    const refused = await plant.event(event => event.event === 'policy-refused')
    expect(refused).toMatchObject({
      problems: [expect.objectContaining({ where: expect.objectContaining({ line: expect.any(Number) }) })],
    })
    expect(await client.publish('plant/s1/pump-7/telemetry/temp')).toBe('acknowledged')

    await writeFile(file, before.replace('plant/${site}/${device}/telemetry/#', 'plant/${site}/${device}/measured/#'))
    const tests = join(plant.policies, 'plant.test.yaml')
    await writeFile(
      tests,
      'tests:\n  - name: it measures\n    as: { identity: device, site: s1, device: pump-7 }\n    can: [{ publish: plant/s1/pump-7/measured/temp }]\n',
    )
    await plant.event(event => event.event === 'policy-loaded')
    expect(await client.publish('plant/s1/pump-7/measured/temp')).toBe('acknowledged')
    expect(await client.publish('plant/s1/pump-7/telemetry/temp')).toBe('closed')
    await plant.close()
  })

  test('a refused change that is taken back is told too: what is on disk is in force again', async () => {
    const plant = await startPlant()
    const file = join(plant.policies, 'plant.yaml')
    const good = await readFile(file, 'utf8')
    const told = () => plant.events.flatMap(({ event }) => (event.startsWith('policy-') ? [event] : []))
    await plant.gate.reload()
    await writeFile(file, good.replace('clientId:', 'clientld:'))
    await plant.gate.reload()
    await writeFile(file, good)
    await plant.gate.reload()
    await plant.gate.reload()
    expect(told()).toEqual(['policy-refused', 'policy-loaded'])
    await plant.close()
  })

  test('a member that is shut out is closed at the swap; nobody else drops', async () => {
    const plant = await startPlant()
    const pump7 = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    const line1 = await RawClient.connect(plant.port, await plant.as('line-1'), 'line-1')
    await writeFile(
      join(plant.policies, 'fleet.csv'),
      'device,roles,children,refused\nline-1,gateway,pump-7;pump-8,\npump-7,,,stolen\n',
    )
    await writeFile(
      join(plant.policies, 'plant.test.yaml'),
      'tests:\n  - name: out\n    as: { identity: device, site: s1, device: pump-7 }\n    refused: bind/member-refused\n',
    )
    await plant.gate.reload()
    expect(plant.events.filter(event => event.event === 'policy-refused')).toEqual([])
    await pump7.client.closed
    expect(await line1.client.publish('plant/s1/pump-8/telemetry/temp')).toBe('acknowledged')
    await plant.close()
  })

  test('a new CRL closes the sessions of what it revokes, and no others', async () => {
    const plant = await startPlant()
    const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    // a CRL signed anew with nothing new on it
    await ensureDevCerts(join(plant.folder, 'certs-dev'), () => new Date(Date.now() + 1000))
    await plant.gate.reloadTrust()
    expect(await client.publish('plant/s1/pump-7/telemetry/temp')).toBe('acknowledged')
    await plant.close()
  })

  test('a folder with something unreadable does not load', async () => {
    const plant = await startPlant()
    await writeFile(join(plant.policies, 'latin.yaml'), Buffer.from([0x70, 0xfc, 0x0a]))
    await plant.gate.reload()
    expect(plant.events.at(-1)).toMatchObject({
      event: 'policy-refused',
      problems: [{ code: 'policy/unreadable-file' }],
    })
    await plant.close()
  })
})

// docs/semantics.md 4.1: what is decided is decided under the policy in force, however many sessions there are to look at
test('with many sessions each decides by the new policy at once, and all are told in slices', async () => {
  const plant = await startPlant({
    edit: yaml => yaml.replace('membersOnly: true', 'membersOnly: true\n    maxSessions: 500'),
  })
  const peer = await peerOf(plant, 'ops-1')
  const sessions = await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      const admission = await plant.gate.admit(peer, { ...connect, clientId: `ops-1/${index}` })
      if (admission.effect === 'refuse') throw new Error(admission.problem.sentence)
      return admission.session
    }),
  )
  const told = new Set<string>()
  for (const session of sessions) session.on('changed', () => told.add(session.clientId))
  const last = sessions.at(-1) as (typeof sessions)[number]
  const command = () => last.publish('plant/s1/pump-7/command/start', { qos: 0, retain: false, payloadBytes: 0 }).effect
  expect(command()).toBe('permit')

  const file = join(plant.policies, 'plant.yaml')
  const before = await readFile(file, 'utf8')
  await writeFile(file, before.replace('      - publish: plant/${sites}/+/command/${command}\n', ''))
  const reloaded = plant.gate.reload()
  await plant.event(event => event.event === 'policy-loaded')
  expect(told.size).toBeLessThan(300)
  expect(command()).toBe('refuse')
  await reloaded
  expect(told.size).toBe(300)

  // and again, with a connection that goes meanwhile: nobody tells it anything
  told.clear()
  await writeFile(file, before)
  const restored = plant.gate.reload()
  await new Promise<void>(resolve => {
    sessions[0]?.once('changed', () => {
      sessions[298]?.close()
      resolve()
    })
  })
  await restored
  expect(told.size).toBe(299)
  expect(command()).toBe('permit')
  await plant.close()
})

describe('limits, at n and n + 1', () => {
  test('limit unauthenticatedPerAddress: connections of one address that have not logged in', async () => {
    const plant = await startPlant({ limits: { unauthenticatedPerAddress: 2 } })
    const credentials = await plant.as('pump-7')
    const waiting = [await RawClient.open(plant.port, credentials), await RawClient.open(plant.port, credentials)]
    await expect(RawClient.open(plant.port, credentials)).rejects.toThrow()
    await plant.event(event => event.event === 'handshake-refused' && event.problem.code === 'accept/too-many-waiting')
    await Promise.all(waiting.map(client => client.close()))
    await plant.close()
  })

  test('limit connections: connections in all', async () => {
    const plant = await startPlant({ limits: { connections: 2 } })
    const logged = [
      await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7'),
      await RawClient.connect(plant.port, await plant.as('pump-8'), 'pump-8'),
    ]
    expect(logged.map(({ code }) => code)).toEqual([0, 0])
    await expect(RawClient.open(plant.port, await plant.as('pump-9'))).rejects.toThrow()
    await plant.event(
      event => event.event === 'handshake-refused' && event.problem.code === 'accept/too-many-connections',
    )
    await Promise.all(logged.map(({ client }) => client.close()))
    await plant.close()
  })
})

test('a session emits `ended` once, and refuses from then on', async () => {
  const plant = await startPlant()
  const admission = await plant.gate.admit(await peerOf(plant, 'pump-8'), { ...connect, clientId: 'pump-8' })
  if (admission.effect === 'refuse') throw new Error(admission.problem.sentence)
  const ended = once(admission.session, 'ended')
  await writeFile(
    join(plant.policies, 'fleet.csv'),
    'device,roles,children,refused\nline-1,gateway,pump-7;pump-8,\npump-8,,,gone\n',
  )
  await writeFile(
    join(plant.policies, 'plant.test.yaml'),
    'tests:\n  - name: out\n    as: { identity: device, site: s1, device: pump-8 }\n    refused: bind/member-refused\n',
  )
  await plant.gate.reload()
  await ended
  expect(admission.session.receive('plant/s1/pump-8/command/start')).toMatchObject({
    effect: 'refuse',
    problem: { code: 'bind/member-refused' },
  })
  await plant.close()
})

describe('epochs: what was decided under another policy or CRL is decided again (2.5)', () => {
  /** A store of owners that lets something happen while a log-in waits for it. */
  class SlowStore extends MemoryOwnerStore {
    meanwhile: (() => Promise<void>) | undefined
    override async get(clientId: string): Promise<Owner | undefined> {
      const meanwhile = this.meanwhile
      this.meanwhile = undefined
      await meanwhile?.()
      return super.get(clientId)
    }
  }

  const startSlow = async (): Promise<{ plant: Plant; store: SlowStore }> => {
    const store = new SlowStore()
    return { plant: await startPlant({ owners: store }), store }
  }
  const changeOf = (plant: Plant, change: (yaml: string) => string) => async (): Promise<void> => {
    const file = join(plant.policies, 'plant.yaml')
    await rm(join(plant.policies, 'plant.test.yaml'), { force: true })
    await writeFile(file, change(await readFile(file, 'utf8')))
    await plant.gate.reload()
  }

  test('a device that the policy shuts out while it logs in is refused', async () => {
    const { plant, store } = await startSlow()
    store.meanwhile = changeOf(plant, yaml =>
      yaml.replace('except: { subject.ou: staff }', 'except: [{ subject.ou: staff }, { subject.cn: pump-7 }]'),
    )
    const { code } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(code).toBe(5)
    await plant.close()
  })

  test('a will that becomes forbidden while its device logs in refuses it', async () => {
    const { plant, store } = await startSlow()
    store.meanwhile = changeOf(plant, yaml =>
      yaml.replace('telemetry/secret/#\n\n  # A gateway', 'telemetry/#\n\n  # A gateway'),
    )
    const will = { topic: 'plant/s1/pump-7/telemetry/t', payload: Buffer.from('x'), qos: 0, retain: false }
    const { code } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7', { will })
    expect(code).toBe(5)
    await plant.close()
  })

  test('a certificate that is revoked while its device logs in is refused', async () => {
    const { plant, store } = await startSlow()
    store.meanwhile = async () => {
      await new SuiteCerts(join(plant.folder, 'certs-dev')).revoke('pump-7')
      await plant.gate.reloadTrust()
    }
    const { code } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(code).toBe(5)
    await plant.close()
  })

  test('rights that change while a device logs in are those that it has', async () => {
    const { plant, store } = await startSlow()
    store.meanwhile = changeOf(plant, yaml => yaml.replace('command: [start, stop, setpoint]', 'command: [stop]'))
    const { client, code } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')
    expect(code).toBe(0)
    expect(await client.subscribe('plant/s1/pump-7/command/start', 'plant/s1/pump-7/command/stop')).toEqual([128, 0])
    await plant.close()
  })

  test('a right that goes while its SUBSCRIBE is stored: no SUBACK says that it was granted', async () => {
    const { plant } = await startSlow()
    const { client } = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7', { clean: false })
    const inner = (
      plant.broker as unknown as {
        persistence: { asyncPersistence: { addSubscriptions: (...args: unknown[]) => Promise<void> } }
      }
    ).persistence.asyncPersistence
    const add = inner.addSubscriptions.bind(inner)
    inner.addSubscriptions = async (...args) => {
      await add(...args)
      await changeOf(plant, yaml => yaml.replace('command: [start, stop, setpoint]', 'command: [stop]'))()
    }
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: 'plant/s1/pump-7/command/start', qos: 1 }],
    } as never)
    expect(await client.next()).toBeUndefined()
    inner.addSubscriptions = add
    const back = await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7', { clean: false })
    const operator = await RawClient.connect(plant.port, await plant.as('ops-1'), 'ops-1/desk')
    expect(await operator.client.publish('plant/s1/pump-7/command/stop', 'x')).toBe('acknowledged')
    expect(await back.client.subscribe('plant/s1/pump-7/command/stop')).toEqual([0])
    await plant.close()
  })
})

test('a clock that is set back does not bring an ended certificate back (4.5)', async () => {
  let offset = 0
  const plant = await startPlant({ now: () => Date.now() + offset })
  const certs = new SuiteCerts(join(plant.folder, 'certs-dev'))
  const { cert } = await certs.credentials('short-lived')
  const leafDer = Buffer.from(/-----BEGIN CERTIFICATE-----([^-]+)/.exec(cert ?? '')?.[1] ?? '', 'base64')
  const peer: Peer = {
    address: '127.0.0.1',
    port: 1,
    leafDer,
    fingerprint: 'short-lived',
    authorized: true,
    authorizationError: undefined,
    resumed: false,
  }
  const facts = { clientId: 'short-lived', protocolVersion: 4, clean: true }
  const first = await plant.gate.admit(peer, facts)
  expect(first.effect).toBe('permit')
  if (first.effect === 'permit') {
    await once(first.session, 'ended')
    first.session.close()
  }
  // its end has passed; a CRL, which counts in seconds, says what time it is at least
  await setTimeout(1000)
  await certs.revoke('pump-8')
  await plant.gate.reloadTrust()
  offset = -60_000
  const refused = await plant.gate.admit(peer, facts)
  expect(refused).toMatchObject({ effect: 'refuse', problem: { code: 'authenticate/expired' } })
  await plant.close()
})

test('a kept session outlives its certificate by so many days, and no more (4.2)', async () => {
  const dayMs = 86_400_000
  let offset = 0
  const plant = await startPlant({ now: () => Date.now() + offset })
  const credentials = await plant.as('pump-7')
  const { client, code } = await RawClient.connect(plant.port, credentials, 'pump-7', { clean: false })
  expect(code).toBe(0)
  expect(await client.subscribe('plant/s1/pump-7/command/stop')).toEqual([0])
  await client.close()
  const kept = () => plant.guarded.broker.persistence.subscriptionsByClient({ id: 'pump-7' })
  const left = Date.parse(new X509Certificate(credentials.cert as string).validTo) - Date.now()
  offset = left + 6.9 * dayMs
  await plant.gate.review()
  expect(plant.gate.keptMapping('pump-7')).toBeDefined()
  expect(await kept()).toHaveLength(1)
  offset = left + 7.1 * dayMs
  await plant.gate.review()
  expect(plant.gate.keptMapping('pump-7')).toBeUndefined()
  expect(await kept()).toEqual([])
  await plant.close()
})

test('what changes while a gate opens, after it was read and before it is watched, counts all the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-opening-'))
  const certs = join(folder, 'certs-dev')
  await ensureDevCerts(certs, () => new Date())
  await cp(new URL('../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
  const [crl, next] = [join(certs, 'acme.crl'), join(certs, 'next.crl')]
  await cp(crl, join(certs, 'first.crl'))
  await new SuiteCerts(certs).revoke('pump-7')
  await rename(crl, next)
  await rename(join(certs, 'first.crl'), crl)
  const plant = await startPlant({
    beside: folder,
    watch: true,
    trace: ({ event }) => {
      if (event === 'revocations-loaded' && existsSync(next)) renameSync(next, crl)
    },
  })
  const admission = await plant.gate.admit(await peerOf(plant, 'pump-7'), connect)
  expect(admission).toMatchObject({ effect: 'refuse', problem: { code: 'accept/revoked' } })
  await plant.close()
  await rm(folder, { recursive: true })
})
