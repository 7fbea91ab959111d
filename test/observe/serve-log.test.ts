/** The log of the command as it is shipped: what it writes until the end, who may stop reading, and colour. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureDevCerts } from '../../src/provision/dev-certs.ts'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
const config = `
tls: { certFile: certs-dev/server.pem, keyFile: certs-dev/server.key }
issuers: { acme: { certificates: [certs-dev/issuing.pem], root: certs-dev/root.pem, crl: [certs-dev/acme.crl] } }
log: { refusalsPerMinute: 3, permits: all }
`

/** Runs a command line on a terminal of its own (script, of util-linux). */
const onTerminal = (command: string, options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
  spawnSync('bash', ['-c', 'script -qec "$1" /dev/null', 'bash', command], { ...options, encoding: 'utf8' })
const hasScript = onTerminal('true').status === 0
if (!hasScript)
  console.warn('SKIPPED: colour on a terminal is not tested, since there is no script here (Debian: bsdutils)')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-log-'))
  await cp(new URL('../../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
  await ensureDevCerts(join(folder, 'certs-dev'), () => new Date())
  await writeFile(join(folder, 'log.yaml'), config)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const start = (...args: string[]) =>
  spawn(process.execPath, [main, 'serve', '--config', 'log.yaml', '--host', '127.0.0.1', '--port', '0', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** A handshake without a certificate, until the broker has closed it. */
async function knock(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  socket.on('error', () => undefined)
  await once(socket, 'close')
}

const portIn = (line: string): number => Number(/:(\d+) /.exec(line)?.[1])

test('refusals beyond the budget are in the log at the end, with all that was written before', async () => {
  const child = start('--log', 'decisions.log')
  const lines = createInterface({ input: child.stdout })
  const [first] = (await once(lines, 'line')) as [string]
  for (let index = 0; index < 8; index += 1) await knock(portIn(first))
  child.kill('SIGTERM')
  const [status] = await once(child, 'exit')
  const events = (await readFile(join(folder, 'decisions.log'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
  expect(status).toBe(0)
  expect(events.filter(({ event }) => event === 'handshake-refused')).toHaveLength(3)
  expect(events.at(-1)).toMatchObject({
    event: 'suppressed',
    address: '127.0.0.1',
    count: 5,
    codes: { 'accept/no-certificate': 5 },
  })
})

test('nobody reads its answer (serve | true): it ends, and says nothing of it', async () => {
  const child = start()
  child.stdout.destroy()
  let talk = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    talk += text
  })
  const [status, signal] = await once(child, 'exit')
  expect({ status, signal }).toEqual({ status: 0, signal: null })
  expect(talk).not.toMatch(/EPIPE|\n\s+at |internal error/)
})

test('nobody reads its log any more: it ends rather than guard unseen', async () => {
  const child = start()
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout }).on('line', line => lines.push(line))
  const [first] = (await once(reader, 'line')) as [string]
  const ended = once(child, 'exit')
  child.stderr.destroy()
  await knock(portIn(first))
  const [, signal] = await ended
  expect(signal).toBe(null)
  expect(lines).toHaveLength(6)
})

test.skipIf(!hasScript)('colour on a terminal only, and not with NO_COLOR', () => {
  const command = `'${process.execPath}' '${main}' policy explain device:site=s1,device=pump-7 publish plant/s1/pump-8/state`
  const { NO_COLOR: _, FORCE_COLOR: __, ...rest } = process.env
  const shown = (env: NodeJS.ProcessEnv): string => onTerminal(command, { cwd: folder, env }).stdout
  expect(shown(rest)).toContain('\u001b[31mrefuse: ')
  expect(shown({ ...rest, NO_COLOR: '1' })).toMatch(/^refuse: [^\u001b]*$/)
  const piped = spawnSync('bash', ['-c', command], { cwd: folder, env: rest, encoding: 'utf8' }).stdout
  expect(piped).toMatch(/^refuse: [^\u001b]*$/)
})
