/** A broker with ordinary hand-written hooks, in a process of its own: what the guard's tests must be seen to fail on. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Handmade {
  readonly port: number
  /** Resolves when the process has ended, by a crash or by `close`. */
  readonly crashed: Promise<void>
  /** The host assigns other hooks, after its own. */
  assignHooks(kind: 'permissive' | 'throwing'): Promise<void>
  close(): Promise<void>
}

const program = fileURLToPath(new URL('../../dist/tool/demo/handmade-process.js', import.meta.url))

/** `certs` is a folder as `ensureDevCerts` makes it. */
export async function startHandmade(certs: string): Promise<Handmade> {
  const [key, cert, ca] = await Promise.all(
    ['server.key', 'server.pem', 'root.pem'].map(name => readFile(join(certs, name), 'utf8')),
  )
  const child = fork(program, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] })
  const crashed = once(child, 'exit').then(() => undefined)
  const told = once(child, 'message')
  child.send({ key, cert, ca })
  const message = await Promise.race([told, crashed])
  if (message === undefined) throw new Error('the handmade broker did not start')
  return {
    port: Number(message[0]),
    crashed,
    assignHooks: async kind => {
      const assigned = once(child, 'message')
      child.send(kind)
      await assigned
    },
    close: async () => {
      child.kill('SIGKILL')
      await crashed
    },
  }
}
