/** The conformance suite of adapters once more, by every other way into the same gate. `npm run test:variants` */
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { adapterCases } from '../suites/adapter.ts'
import { RawClient } from '../support/raw-client.ts'
import { hasRedis, startRedis } from '../support/redis.ts'
import { guardedAedesBy, type Variant } from '../support/suite-guarded.ts'

/** Header, identifiers and topic in segments of one byte; a long payload is not worth as many records. */
const splitBytes = 64

class SplitClient extends RawClient {
  override write(bytes: Uint8Array): void {
    this.socket.setNoDelay(true)
    for (let at = 0; at < Math.min(splitBytes, bytes.length); at++) super.write(bytes.subarray(at, at + 1))
    if (bytes.length > splitBytes) super.write(bytes.subarray(splitBytes))
  }
}

/** A Redis for each case: what is published on one is heard by all that use it. */
async function onRedis(folder: string) {
  const redis = await startRedis(folder)
  return { persistence: { kind: 'redis', url: redis.url } as const, close: redis.stop }
}

const onDisk = async (folder: string) => ({
  persistence: { kind: 'disk', folder: join(folder, 'store') } as const,
  close: async () => undefined,
})

if (!hasRedis) console.warn('SKIPPED: the suite on Redis, one node and two, since there is no redis-server here')

const notOnTwoNodes = {
  'a revoked certificate does not come back by a resumed TLS session, nor under another client id':
    'a TLS session is resumed on the node that it was made on, and nowhere else',
}

const notByWebSocket = {
  'a client that says everything at once and goes is heard': 'a WebSocket that has been closed cannot be answered',
}

const redisVariants: readonly Variant[] = [
  { name: 'a node on Redis', persistence: onRedis },
  { name: 'two nodes on Redis', persistence: onRedis, hasTwoNodes: true, skips: notOnTwoNodes },
]

const variants: readonly Variant[] = [
  { name: 'the plain path', fastPath: false },
  { name: 'WebSocket', isWebSocket: true, skips: notByWebSocket },
  { name: 'WebSocket on the plain path', isWebSocket: true, fastPath: false, skips: notByWebSocket },
  { name: 'one byte a segment', client: (socket, stream) => new SplitClient(socket, stream) },
  { name: 'MQTT 3.1', connect: { protocolId: 'MQIsdp', protocolVersion: 3 } },
  { name: 'a store on the disk', persistence: onDisk },
  ...(hasRedis ? redisVariants : []),
]

for (const variant of variants) {
  const broker = guardedAedesBy(variant)
  describe.concurrent(`adapter suite by ${variant.name}`, () => {
    for (const one of adapterCases) {
      const reason = variant.skips?.[one.name]
      test.skipIf(reason !== undefined)(reason === undefined ? one.name : `${one.name} (${reason})`, async () => {
        const running = await broker.start(one.start)
        try {
          await one.run(running)
        } finally {
          await running.close()
        }
      })
    }
  })
}
