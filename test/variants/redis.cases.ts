import { test } from 'vitest'
import { hasRedis, startRedis } from '../support/redis.ts'
import { suiteBy } from './by.ts'

/** A Redis for each case: what is published on one is heard by all that use it. */
async function persistence(folder: string) {
  const redis = await startRedis(folder)
  return { persistence: { kind: 'redis', url: redis.url } as const, close: redis.stop }
}

const skips = {
  'a revoked certificate does not come back by a resumed TLS session, nor under another client id':
    'a TLS session is resumed on the node that it was made on, and nowhere else',
}

if (hasRedis) {
  suiteBy({ name: 'a node on Redis', persistence })
  suiteBy({ name: 'two nodes on Redis', persistence, hasTwoNodes: true, skips })
} else {
  const reason = 'the suite on Redis, one node and two, since there is no redis-server here'
  console.warn(`SKIPPED: ${reason}`)
  test.skip(reason, () => undefined)
}
