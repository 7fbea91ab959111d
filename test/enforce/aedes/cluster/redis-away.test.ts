/** A node and a Redis that goes away and comes back, on a real one: nothing ends the node, and it knows again what the others know. */
import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ClusterNode, openCluster } from '../../../../src/enforce/aedes/cluster/open-cluster.ts'
import { connectRedis } from '../../../../src/enforce/aedes/cluster/redis-connections.ts'
import { createBroker } from '../../../../src/tool/broker.ts'
import { idleGate } from '../../../support/idle-gate.ts'
import { hasRedis, type RedisServer } from '../../../support/redis.ts'
import { useRedis } from '../../../support/use-redis.ts'

describe.skipIf(!hasRedis)(`a Redis that goes away${hasRedis ? '' : ' (redis-server is not installed)'}`, () => {
  const used = useRedis()
  let server: RedisServer
  let redis: Redis
  let node: ClusterNode

  beforeAll(() => {
    ;({ server, redis } = used)
  })
  beforeEach(async () => {
    await redis.flushall()
    node = await openCluster(server.url)
    await node.join(idleGate('r1'))
  })
  afterEach(() => node.close())

  test('what a node could not read anew when Redis came back ends nothing, and is read a little later', async () => {
    const changes: string[] = []
    const changed = new Promise<void>(resolve => {
      node.owners.onChange?.((clientId, owner) => {
        changes.push(`${clientId} ${owner?.issuerKeyId}`)
        resolve()
      })
    })
    const failures: unknown[] = []
    const onFailure = (error: unknown): void => void failures.push(error)
    process.on('unhandledRejection', onFailure)
    const { on } = node.emitter as { on: (topic: string, heard: () => void, done: () => void) => void }
    await new Promise<void>(resolve => on.call(node.emitter, 'a', () => undefined, resolve))
    // as an answer that does not come: owners cannot be read
    await redis.set('portcullis:owners', 'no hash')
    const monitor = await redis.monitor()
    const asked = new Promise<void>(resolve => {
      monitor.on('monitor', (_time, command: string[]) => command[0]?.toLowerCase() === 'hgetall' && resolve())
    })
    await redis.client('KILL', 'TYPE', 'pubsub')
    await asked
    await redis
      .multi()
      .del('portcullis:owners')
      .hset('portcullis:owners', 'pump-7', `ca ${btoa('leaf')}`)
      .exec()
    await changed
    monitor.disconnect()
    process.off('unhandledRejection', onFailure)
    expect(changes).toEqual(['pump-7 ca'])
    expect(failures).toEqual([])
  })

  test('what was on its way has failed, and is not waited for', async () => {
    const connections = await connectRedis(server.url)
    try {
      const { store } = connections
      // answered when somebody pushes
      const answer = store.blpop('nothing', 0).catch((error: Error) => error.message)
      const pipeline = store.pipeline().blpop('nothing', 0).exec()
      while ((await redis.info('clients')).includes('blocked_clients:0'));
      await server.stop()
      expect(await answer).toBe('the connection to Redis was lost')
      expect((await pipeline)?.[0]?.[0]?.message).toBe('the connection to Redis was lost')
      const isBack = new Promise(resolve => store.once('ready', resolve))
      await server.start()
      await isBack
      expect(await store.ping()).toBe('PONG')
    } finally {
      for (const one of Object.values(connections)) one.disconnect()
    }
  })

  test('a node that is closed while Redis is away, as when its start fails, waits for nothing', async () => {
    const made = await createBroker({ kind: 'redis', url: server.url })
    const { subConn } = (made.cluster?.emitter ?? {}) as { readonly subConn: Redis }
    // `once` of node:events would reject where the connection is reset
    const isAway = new Promise(resolve => subConn.once('reconnecting', resolve))
    await server.stop()
    await isAway
    await made.close()
    await server.start()
  })
})
