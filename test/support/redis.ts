/** A real Redis on a port of its own, which writes everything to its disk at once. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.ts'

export const hasRedis = spawnSync('redis-server', ['--version']).error === undefined

export interface RedisServer {
  readonly url: string
  /** Whether it runs, and what it said last. */
  readonly lastWords: string
  /** Kills it without warning. */
  stop(): Promise<void>
  /** Starts it again, with what it has on its disk. Rejects with what it said where it does not start. */
  start(): Promise<void>
}

const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
const wordsKept = 4

/** `folder`: for its files. */
export async function startRedis(folder: string): Promise<RedisServer> {
  const port = await freePort()
  let child: ChildProcess | undefined
  let words: readonly string[] = []
  const lastWords = (): string => `Redis is ${child === undefined ? 'not running' : 'running'}: ${words.join(' / ')}`
  const start = async (): Promise<void> => {
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...durable]
    const started = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
    child = started
    words = []
    const isReady = new Promise<boolean>(resolve => {
      createInterface({ input: started.stdout }).on('line', line => {
        words = [...words.slice(1 - wordsKept), line]
        if (line.includes('Ready to accept connections')) resolve(true)
      })
      started.once('close', () => {
        if (child === started) child = undefined
        resolve(false)
      })
    })
    if (!(await isReady)) throw new Error(`redis-server does not start on port ${port}; ${lastWords()}`)
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    get lastWords() {
      return lastWords()
    },
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
