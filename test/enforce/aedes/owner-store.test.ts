/** Sessions that outlive the process belong to whom they belonged to before (2.3), on any persistence that keeps them. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Aedes } from 'aedes'
import levelPersistence from 'aedes-persistence-level'
import redisPersistence from 'aedes-persistence-redis'
import { Level } from 'level'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guard, listen, ownersIn } from '../../../src/enforce/aedes/index.ts'
import type { AedesPersistence } from '../../../src/enforce/aedes/shape.ts'
import { openGate } from '../../../src/open-gate.ts'
import { ensureDevCerts } from '../../../src/provision/dev-certs.ts'
import { RawClient } from '../../support/raw-client.ts'
import { hasRedis } from '../../support/redis.ts'
import { SuiteCerts } from '../../support/suite-certs.ts'
import { useRedis } from '../../support/use-redis.ts'

interface Store {
  readonly persistence: object
  close(): Promise<void>
}

let folder: string
let certs: SuiteCerts
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-owners-'))
  await ensureDevCerts(folder, () => new Date())
  await cp(new URL('../../../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
  certs = new SuiteCerts(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** One life of the broker. */
async function start(store: Store, isKept = true) {
  const broker = await Aedes.createBroker({ persistence: store.persistence as never })
  const issuers = { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } }
  const common = { policies: join(folder, 'policies'), baseFolder: folder, issuers, watch: false }
  const gate = await openGate({ ...common, ...(isKept ? { owners: await ownersIn(broker) } : {}) })
  const tls = { keyFile: join(folder, 'server.key'), certFile: join(folder, 'server.pem') }
  const listener = await listen(guard(broker, gate), { port: 0, host: '127.0.0.1', tls })
  return {
    broker,
    login: async (name: string, clientId: string, clean: boolean) => {
      const { port } = listener.address
      return RawClient.connect(port, await certs.credentials(name), clientId, { clean })
    },
    stop: async () => {
      await listener.close()
      await gate.close()
      await new Promise<void>(resolve => broker.close(() => resolve()))
      await store.close()
    },
  }
}

function keepsOwners(open: () => Promise<Store>): void {
  test('a device finds its session, and what was queued, after a restart', async () => {
    const first = await start(await open())
    const { client } = await first.login('pump-7', 'pump-7', false)
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'plant/s1/pump-7/command/stop', qos: 1 }] })
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [1] })
    await client.close()
    const { client: operator } = await first.login('ops-1', 'ops-1/desk', true)
    expect(await operator.publish('plant/s1/pump-7/command/stop', 'now')).toBe('acknowledged')
    await first.stop()

    const second = await start(await open())
    const { client: back, code } = await second.login('pump-7', 'pump-7', false)
    expect(code).toBe(0)
    expect(await back.next()).toMatchObject({ cmd: 'publish', topic: 'plant/s1/pump-7/command/stop' })
    await second.stop()
  })

  test('a session of nobody known is ended, not handed on', async () => {
    const store = await open()
    const first = await start(store)
    const { client } = await first.login('pump-8', 'pump-8', false)
    expect(await client.subscribe('plant/s1/pump-8/command/stop')).toEqual([0])
    await client.close()
    // the record goes, the subscription stays
    const { persistence } = first.broker as unknown as { persistence: AedesPersistence }
    const topic = `$portcullis/owner/${Buffer.from('pump-8').toString('base64url')}`
    await persistence.storeRetained({ cmd: 'publish', topic, payload: Buffer.alloc(0), qos: 1, retain: true })
    await first.stop()

    const second = await start(await open())
    const { client: back } = await second.login('pump-8', 'pump-8', false)
    const kept = (second.broker as unknown as { persistence: AedesPersistence }).persistence
    expect(await kept.subscriptionsByClient({ id: 'pump-8' })).toEqual([])
    await back.close()
    await second.stop()
  })

  test('a record that cannot be read stops the start', async () => {
    const store = await open()
    const broker = await Aedes.createBroker({ persistence: store.persistence as never })
    const { persistence } = broker as unknown as { persistence: AedesPersistence }
    const broken = {
      cmd: 'publish',
      topic: '$portcullis/owner/eA',
      payload: '{"clientId":"y"}',
      qos: 1,
      retain: true,
    } as const
    await persistence.storeRetained({ ...broken, payload: Buffer.from(broken.payload) })
    await expect(ownersIn(broker)).rejects.toThrow('enforce/bad-owner')
    await persistence.storeRetained({ ...broken, payload: Buffer.alloc(0) })
    await new Promise<void>(resolve => broker.close(() => resolve()))
    await store.close()
  })

  test('without a store of owners, no guard', async () => {
    const store = await open()
    await expect(start(store, false)).rejects.toThrow('enforce/owner-store-missing')
    await store.close()
  })
}

describe('LevelDB', () => {
  keepsOwners(async () => {
    const db = new Level<string, Buffer>(join(folder, 'db'), { valueEncoding: 'buffer' })
    return { persistence: levelPersistence(db).asyncPersistence, close: () => db.close() }
  })
})

describe.skipIf(!hasRedis)(`Redis${hasRedis ? '' : ' (redis-server is not installed)'}`, () => {
  const used = useRedis()
  keepsOwners(async () => {
    const persistence = redisPersistence({
      port: Number(new URL(used.server.url).port),
      host: '127.0.0.1',
    }).asyncPersistence
    return { persistence, close: () => persistence.destroy() }
  })
})
