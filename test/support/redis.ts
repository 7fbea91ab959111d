/** A real Redis on a port of its own, which writes everything to its disk at once. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

export const hasRedis = spawnSync('redis-server', ['--version']).error === undefined

export interface RedisServer {
  readonly url: string
  /** Kills it without warning. */
  stop(): Promise<void>
  /** Starts it again, with what it has on its disk. */
  start(): Promise<void>
}

/** `folder`: for its files. */
export async function startRedis(folder: string): Promise<RedisServer> {
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise(resolve => probe.close(resolve))
  let child: ChildProcess | undefined
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
  const start = async (): Promise<void> => {
    child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...durable])
    for await (const line of child.stdout ?? []) if (String(line).includes('Ready to accept connections')) return
    throw new Error('redis-server has ended')
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop: async () => {
      if (child === undefined) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      child = undefined
      await gone
    },
  }
}
