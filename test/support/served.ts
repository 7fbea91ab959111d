/** `portcullis serve` in a process of its own, in a folder with the sample policies, with its operate listener and its log. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { root } from './files.ts'
import type { Credentials } from './raw-client.ts'

export type LogLine = Readonly<Record<string, unknown>>

export interface Served {
  readonly folder: string
  readonly port: number
  /** `http://127.0.0.1:PORT` of the operate listener. */
  readonly operate: string
  readonly child: ChildProcess
  /** Exit code and signal. */
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>
  credentials(name: string): Credentials
  log(): readonly LogLine[]
  /** Resolves when as many lines of the log fit. */
  logged(fits: (line: LogLine) => boolean, count?: number): Promise<LogLine>
  close(): Promise<void>
}

const main = fileURLToPath(new URL('dist/tool/main.js', root))

/** `operate`: the section of that name, as YAML; certificates are those that development makes. */
export async function startServed(
  operate: string = '{ port: 0 }',
  environment: (folder: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-served-'))
  cpSync(new URL('policies', root), join(folder, 'policies'), { recursive: true })
  const { ensureDevCerts } = await import('../../src/provision/dev-certs.ts')
  await ensureDevCerts(join(folder, 'certs-dev'), () => new Date())
  writeFileSync(
    join(folder, 'portcullis.config.yaml'),
    `listen: { host: 127.0.0.1, port: 0 }
tls: { certFile: certs-dev/server.pem, keyFile: certs-dev/server.key }
issuers: { acme: { certificates: [certs-dev/issuing.pem], root: certs-dev/root.pem, crl: [certs-dev/acme.crl] } }
log: { file: decisions.log }
operate: ${operate}
`,
  )
  const env = { ...process.env, ...environment(folder) }
  const child = spawn(process.execPath, [main, 'serve'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', line => lines.push(line))
  while (!lines.some(line => line.startsWith('operate '))) {
    await Promise.race([once(reader, 'line'), ended])
    if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`)
  }
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const pem = (name: string): string => text(join('certs-dev', name))
  const log = (): readonly LogLine[] =>
    existsSync(join(folder, 'decisions.log'))
      ? text('decisions.log')
          .split('\n')
          .slice(0, -1)
          .map(line => JSON.parse(line) as LogLine)
      : []
  return {
    folder,
    port: Number(/^guarding mqtts:\/\/127\.0\.0\.1:(\d+)/.exec(lines[0] ?? '')?.[1]),
    operate: /(http:\S+)/.exec(lines.find(line => line.startsWith('operate ')) ?? '')?.[1] ?? '',
    child,
    ended,
    credentials: name => ({ key: pem(`${name}.key`), cert: pem(`${name}.pem`), ca: pem('ca.pem') }),
    log,
    logged: async (fits, count = 1) => {
      for (;;) {
        const found = log().filter(fits)
        if (found.length >= count) return found[count - 1] as LogLine
        // a file that another process writes can only be looked at
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
