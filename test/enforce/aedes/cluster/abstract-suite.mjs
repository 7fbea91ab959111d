// aedes' own suite for persistences, on the Redis at REDIS_URL. Run by `node --test`; cluster-persistence.test.ts does.
import { createRequire } from 'node:module'
import { after, test } from 'node:test'
import { Redis } from 'ioredis'
import { ClusterPersistence } from '../../../../dist/enforce/aedes/cluster/cluster-persistence.js'

const suite = createRequire(import.meta.url)('aedes-persistence/abstract')
const redis = new Redis(process.env.REDIS_URL)
after(() => redis.disconnect())

suite({
  test,
  testAsync: true,
  persistence: async () => {
    await redis.flushall()
    return new ClusterPersistence(redis)
  },
})
