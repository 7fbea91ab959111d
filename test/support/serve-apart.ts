/** `portcullis serve` as a process of its own, to be killed: in a folder that has policies and development certificates. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { root } from './files.ts'

export interface ServedApart {
  readonly process: ChildProcess
  readonly port: number
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
}

const main = fileURLToPath(new URL('dist/tool/main.js', root))

/** On a port of the system's choice. Rejects where the process ends before it listens. */
export async function serveApart(cwd: string, ...options: readonly string[]): Promise<ServedApart> {
  const args = [main, 'serve', '--port', '0', ...options]
  const started = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  const gone = once(started, 'exit')
  const kill = async (): Promise<void> => {
    started.kill('SIGKILL')
    await gone
  }
  for await (const line of createInterface({ input: started.stdout })) {
    const port = /^guarding mqtts:\/\/localhost:(\d+)/.exec(line)?.[1]
    if (port !== undefined) return { process: started, port: Number(port), kill }
  }
  throw new Error(`serve ended before it listened (exit ${started.exitCode})`)
}
