/** A Redis for all tests of a `describe`, and a look at what it is asked. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll } from 'vitest'
import { type RedisServer, startRedis } from './redis.ts'

export interface UsedRedis {
  readonly server: RedisServer
  /** A connection for the tests themselves. */
  readonly redis: Redis
}

/** Started before the first test and gone after the last; call in a `describe`, and read in tests and hooks. */
export function useRedis(): UsedRedis {
  let folder: string
  let server: RedisServer
  let redis: Redis
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portcullis-redis-'))
    server = await startRedis(folder)
    redis = new Redis(server.url)
    // tests take it away
    redis.on('error', () => undefined)
  })
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    get server() {
      return server
    },
    get redis() {
      return redis
    },
  }
}

/** The commands that Redis is given while something is done, in their order. */
export async function commandsOf(redis: Redis, act: () => Promise<unknown>): Promise<readonly (readonly string[])[]> {
  const monitor = await redis.monitor()
  const commands: string[][] = []
  monitor.on('monitor', (_time, command: string[]) => commands.push(command))
  try {
    await act()
    while (commands.at(-1)?.[0]?.toLowerCase() !== 'ping') await redis.ping()
    return commands
  } finally {
    monitor.disconnect()
  }
}
