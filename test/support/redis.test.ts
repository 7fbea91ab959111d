/** What tests kill and start again has to come back at its address, or to say why not. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from './free-port.ts'
import { hasRedis, startRedis } from './redis.ts'

test('a port that is to stay free is none of those that the system hands out', async () => {
  const port = await freePort([10_010, 65_535])
  expect(port).toBeGreaterThanOrEqual(10_000)
  expect(port).toBeLessThan(10_010)
  await expect(freePort([0, 65_535])).rejects.toThrow('no free port outside of 0 to 65535')
})

describe.skipIf(!hasRedis)('Redis', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portcullis-redis-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  test('that finds its port taken says so', async () => {
    const redis = await startRedis(folder)
    await redis.stop()
    expect(redis.lastWords).toMatch(/^Redis is not running: /)
    const other = createServer()
    await new Promise<void>(resolve => other.listen(Number(new URL(redis.url).port), '127.0.0.1', resolve))
    await expect(redis.start()).rejects.toThrow(
      /does not start on port \d+; Redis is not running: .*Address already in use/,
    )
    await new Promise(resolve => other.close(resolve))
    await redis.start()
    expect(redis.lastWords).toMatch(/^Redis is running: .*Ready to accept connections/)
    await redis.stop()
  })
})
