/** `portcullis serve` in a process of its own, as it is shipped, on a free port. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Credentials } from '../support/raw-client.ts'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

export interface Served {
  readonly port: number
  as(name: string): Promise<Credentials>
  /** Resident memory in megabytes; undefined where the system does not tell. */
  memory(): Promise<number | undefined>
  readonly isAlive: () => boolean
  stop(): Promise<void>
}

export async function startServe(): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-soak-'))
  await cp(new URL('../../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
  const args = [main, 'serve', '--port', '0', '--host', '127.0.0.1', '--log', join(folder, 'log.jsonl')]
  const child: ChildProcess = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`serve ended with ${code}`)))
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      const found = /^guarding mqtts:\/\/127\.0\.0\.1:(\d+)/.exec(line)
      if (found !== null) resolve(Number(found[1]))
    })
  })
  const text = (name: string): Promise<string> => readFile(join(folder, 'certs-dev', name), 'utf8')
  return {
    port,
    as: async name => ({ key: await text(`${name}.key`), cert: await text(`${name}.pem`), ca: await text('ca.pem') }),
    memory: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
      const found = /^VmRSS:\s+(\d+) kB/m.exec(status)
      return found === null ? undefined : Number(found[1]) / 1024
    },
    isAlive: () => child.exitCode === null && child.signalCode === null,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise(resolve => child.once('exit', resolve))
        child.kill('SIGTERM')
        await ended
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}
