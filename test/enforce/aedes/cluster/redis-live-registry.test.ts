/** Which node has which client id, on a real Redis that goes away at the wrong moment: nobody is shut out for good. */
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { nodeKey, RedisLiveRegistry } from '../../../../src/enforce/aedes/cluster/redis-live-registry.ts'
import { hasRedis } from '../../../support/redis.ts'
import { useRedis } from '../../../support/use-redis.ts'

const place = (clientId: string) => ({
  ...{ clientId, identity: 'operator ops-1', maxSessions: 1, takesOver: true },
  kept: new Set<string>(),
})

describe.skipIf(!hasRedis)(`a live registry${hasRedis ? '' : ' (redis-server is not installed)'}`, () => {
  const used = useRedis()
  let redis: Redis
  let connection: Redis
  let registry: RedisLiveRegistry

  beforeAll(() => {
    redis = used.redis
  })
  beforeEach(async () => {
    await redis.flushall()
    for (const node of ['one', 'two']) await redis.set(nodeKey(node), 'r1')
    connection = new Redis(used.server.url)
    await connection.ping()
    registry = new RedisLiveRegistry(connection, 'one')
  })
  afterEach(() => connection.disconnect())

  const live = (): Promise<Record<string, string>> => redis.hgetall('portcullis:live')
  const cut = async (): Promise<void> => {
    const ended = once(connection, 'end')
    connection.disconnect()
    await ended
  }
  /** What was sent before has been done. */
  const done = (): Promise<unknown> => connection.ping()
  const taken = async (clientId: string): Promise<string | undefined> =>
    (await new RedisLiveRegistry(redis, 'two').take(place(clientId)))?.code

  test('a session that left while Redis was away counts no more when it is back', async () => {
    expect(await registry.take(place('ops-1/a'))).toBeUndefined()
    await cut()
    registry.leave(place('ops-1/a'))
    await connection.connect()
    await done()
    expect(await taken('ops-1/b')).toBe('bind/too-many-sessions')
    registry.sayAgain()
    await done()
    expect(await taken('ops-1/b')).toBeUndefined()
    expect(Object.keys(await live())).toEqual(['ops-1/b'])
  })

  test('a place that was taken while the answer got lost is free again', async () => {
    const { eval: ask } = connection
    const unanswered = async (...command: readonly unknown[]): Promise<void> => {
      await Reflect.apply(ask, connection, command)
      await cut()
      throw new Error('Connection is closed.')
    }
    connection.eval = unanswered as unknown as Redis['eval']
    await expect(registry.take(place('ops-1/a'))).rejects.toThrow('Connection is closed.')
    connection.eval = ask
    expect(Object.keys(await live())).toEqual(['ops-1/a'])
    await connection.connect()
    registry.sayAgain()
    await done()
    expect(await live()).toEqual({})
  })

  test('what is said late ends no later session of the same client id', async () => {
    expect(await registry.take(place('ops-1/a'))).toBeUndefined()
    await cut()
    registry.leave(place('ops-1/a'))
    await connection.connect()
    expect(await registry.take(place('ops-1/a'))).toBeUndefined()
    registry.sayAgain()
    await done()
    expect(Object.keys(await live())).toEqual(['ops-1/a'])
    registry.leave(place('ops-1/a'))
    await done()
    expect(await live()).toEqual({})
  })
})
