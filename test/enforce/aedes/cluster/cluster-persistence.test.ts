/** What nodes of a cluster share, on a real Redis: queues, subscriptions, wills. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Aedes } from 'aedes'
import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { ClusterPersistence } from '../../../../src/enforce/aedes/cluster/cluster-persistence.ts'
import { openCluster } from '../../../../src/enforce/aedes/cluster/open-cluster.ts'
import { subscriptionsChannel } from '../../../../src/enforce/aedes/cluster/redis-subscriptions.ts'
import type { AedesBroker, AedesPersistence, AedesPublish, Qos } from '../../../../src/enforce/aedes/shape.ts'
import { sendStaleWill } from '../../../../src/enforce/aedes/stale-will.ts'
import { idleGate } from '../../../support/idle-gate.ts'
import { hasRedis } from '../../../support/redis.ts'
import { commandsOf, useRedis } from '../../../support/use-redis.ts'

const pump = { id: 'pump-7' }
const broker = (id: string): AedesBroker => ({ id }) as AedesBroker
const filter = (clientId: string, topic = 'a', qos: Qos = 1) => ({ clientId, topic, qos })

function message(brokerCounter: number, qos: Qos = 1): AedesPublish {
  return { cmd: 'publish', topic: 'a', payload: Buffer.from('x'), qos, retain: false, brokerId: 'one', brokerCounter }
}

describe.skipIf(!hasRedis)(`a shared persistence${hasRedis ? '' : ' (redis-server is not installed)'}`, () => {
  const used = useRedis()
  let redis: Redis
  let persistence: ClusterPersistence

  beforeAll(() => {
    redis = used.redis
    persistence = new ClusterPersistence(redis)
  })
  beforeEach(async () => {
    await redis.flushall()
    await persistence.setup(broker('one'))
  })

  const queued = async (client = pump): Promise<readonly AedesPublish[]> => {
    const read: AedesPublish[] = []
    for await (const packet of persistence.outgoingStream(client)) read.push(packet as AedesPublish)
    return read
  }

  test('passes the suite that aedes has for persistences', { timeout: 60_000 }, () => {
    const env = { ...process.env, REDIS_URL: used.server.url, NODE_OPTIONS: '' }
    const suite = fileURLToPath(new URL('abstract-suite.mjs', import.meta.url))
    const ran = spawnSync(process.execPath, ['--test', suite], { encoding: 'utf8', env })
    expect(ran.stdout).toMatch(/^# fail 0$/m)
    expect(Number(/^# pass (\d+)$/m.exec(ran.stdout)?.[1])).toBe(50)
    expect(ran.status).toBe(0)
  })

  test('has a message wait for each at the QoS of its own subscription, once, and leaves nothing of it behind', async () => {
    const commands = await commandsOf(redis, () =>
      Promise.all([
        persistence.outgoingEnqueueCombi([filter('pump-7'), filter('pump-8')], message(1, 1)),
        persistence.outgoingEnqueueCombi([filter('pump-7'), filter('ops')], message(1, 2)),
      ]),
    )
    // a crash between two would lose the message for some
    expect(commands.filter(([name]) => name?.toLowerCase().startsWith('eval'))).toHaveLength(1)
    const clients = ['pump-7', 'pump-8', 'ops'].map(id => ({ id }))
    expect((await Promise.all(clients.map(queued))).map(queue => queue.map(({ qos }) => qos))).toEqual([[2], [1], [2]])
    for (const client of clients) {
      await persistence.outgoingUpdate(client, { ...message(1), messageId: 5 })
      expect(await persistence.outgoingClearMessageId(client, { ...message(1), messageId: 5 })).toMatchObject({
        topic: 'a',
        payload: Buffer.from('x'),
      })
      expect(await queued(client)).toEqual([])
    }
    expect(await redis.keys('*')).toEqual([])
  })

  test('has more than a thousand messages wait, in their order', async () => {
    for (let counter = 1; counter <= 2_500; counter++)
      await persistence.outgoingEnqueueCombi([filter('pump-7')], message(counter))
    expect((await queued()).map(({ brokerCounter }) => brokerCounter)).toEqual(
      Array.from({ length: 2_500 }, (_, index) => index + 1),
    )
  })

  test('knows what was received at QoS 2 under its identifier, also when another node asks', async () => {
    await persistence.outgoingEnqueueCombi([filter('pump-7')], message(1, 2))
    await persistence.outgoingUpdate(pump, { ...message(1, 2), messageId: 9 })
    const other = new ClusterPersistence(redis)
    await other.setup(broker('two'))
    const pubrel = { cmd: 'pubrel', messageId: 9 } as AedesPublish
    await other.outgoingUpdate(pump, pubrel)
    expect(await queued()).toEqual([{ cmd: 'pubrel', messageId: 9, brokerId: 'one', brokerCounter: 1 }])
    // sent once more after a reconnect, with the identifier that it has
    await other.outgoingUpdate(pump, { ...pubrel, brokerId: 'one', brokerCounter: 1 })
    await other.outgoingClearMessageId(pump, pubrel)
    expect(await redis.keys('*')).toEqual([])
  })

  test('refuses to note what waits for nobody', async () => {
    await expect(persistence.outgoingUpdate(pump, { ...message(1), messageId: 3 })).rejects.toThrow('no such packet')
    await expect(persistence.outgoingUpdate(pump, { cmd: 'pubrel', messageId: 3 } as AedesPublish)).rejects.toThrow(
      'no such packet',
    )
    expect(await redis.keys('*')).toEqual([])
  })

  test('has the last of two wills of a client, and none when it is taken', async () => {
    await persistence.putWill(pump, message(1))
    await persistence.putWill(pump, { ...message(2), payload: 'gone' })
    expect(await redis.llen('will')).toBe(1)
    expect(await persistence.delWill({ id: 'pump-7', brokerId: 'one' })).toMatchObject({ payload: 'gone' })
    expect(await redis.keys('*')).toEqual([])
  })

  test('a will that is sent for a dead node takes the place of no message that this node has left', async () => {
    const counters = Array.from({ length: 50 }, (_, index) => index + 1)
    for (const counter of counters) await persistence.outgoingEnqueueCombi([filter('pump-7')], message(counter))
    await persistence.addSubscriptions(pump, [{ topic: 'a', qos: 1 }])
    await persistence.putWill({ id: 'pump-8' }, { ...message(0), payload: Buffer.from('gone') })
    const aedes = await Aedes.createBroker({ id: 'two', persistence: persistence as unknown as AedesPersistence })
    try {
      for await (const will of persistence.willsBut({})) await sendStaleWill(aedes as unknown as AedesBroker, will)
    } finally {
      await new Promise<void>(resolve => aedes.close(resolve))
    }
    expect((await queued()).map(({ payload }) => String(payload))).toEqual([...counters.map(() => 'x'), 'gone'])
    expect(await redis.llen('will')).toBe(0)
  })

  test('what a node was not told is waited for, before it says for whom a message is', async () => {
    const { subscriptions } = new ClusterPersistence(redis)
    const order: string[] = []
    subscriptions.miss()
    const asked = subscriptions.known().then(() => order.push(`known ${subscriptions.match('plant/x').length}`))
    await persistence.addSubscriptions(pump, [{ topic: 'plant/#', qos: 1 }])
    order.push('subscribed')
    await subscriptions.refresh()
    await asked
    expect(order).toEqual(['subscribed', 'known 1'])
    await subscriptions.known()
  })

  test('a subscription that another node has acknowledged is waited for, however late this node is told', async () => {
    const other = new ClusterPersistence(redis)
    const listener = redis.duplicate()
    const told: string[] = []
    listener.on('message', (_channel, message: string) => told.push(message))
    await listener.subscribe(subscriptionsChannel)
    await other.addSubscriptions(pump, [{ topic: 'plant/#', qos: 1 }])
    const order: string[] = []
    const asked = persistence.subscriptionsByTopic('plant/x').then(found => order.push(`found ${found.length}`))
    while (told.length === 0) await listener.ping()
    await redis.ping()
    order.push('told')
    await persistence.subscriptions.heard(told[0] ?? '')
    await asked
    listener.disconnect()
    expect(order).toEqual(['told', 'found 1'])
  })

  test('what cannot be read for too long is no reason to take a message over that is for nobody', async () => {
    const { subscriptions } = new ClusterPersistence(redis)
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    try {
      subscriptions.miss()
      const asked = expect(subscriptions.known()).rejects.toThrow('the subscriptions of the cluster cannot be read')
      vi.advanceTimersToNextTimer()
      await asked
    } finally {
      vi.useRealTimers()
    }
    await subscriptions.refresh()
    await subscriptions.known()
  })

  test('a node hears what others have subscribed, and reads it where it was cut off', async () => {
    const node = await openCluster(used.server.url)
    const index = node.persistence as unknown as ClusterPersistence
    await index.setup(broker(node.brokerId))
    await node.join(idleGate('r1'))
    const known = async (): Promise<number> => {
      await redis.ping()
      return (await index.subscriptionsByTopic('plant/x')).length
    }
    try {
      await persistence.addSubscriptions(pump, [{ topic: 'plant/#', qos: 1 }])
      while ((await known()) === 0);
      // in one turn: nobody hears of it
      const cut = redis.client('KILL', 'TYPE', 'pubsub')
      const removed = persistence.removeSubscriptions(pump, ['plant/#'])
      expect(await cut).toBeGreaterThan(0)
      await removed
      while ((await known()) > 0);
    } finally {
      await node.close()
    }
  })
})
