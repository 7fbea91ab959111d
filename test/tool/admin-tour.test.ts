/** docs/admin.md as it stands: a broker for development, and everything that is asked of it over its admin socket. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, expect, test } from 'vitest'
import { loadConfiguration } from '../../src/tool/configuration.ts'
import { root } from '../support/files.ts'
import { RawClient } from '../support/raw-client.ts'
import { openTour } from '../support/tour.ts'

const { folder, blocks, env, shell, run, text, close } = openTour('docs/admin.md')
const children = new Set<ChildProcess>()
afterEach(async () => {
  for (const child of children) await end(child, 'SIGTERM')
})
afterAll(close)

/** One command that stays; `exec`, so that signals reach it and not a shell. */
function stay(script: string | undefined) {
  const child = spawn('sh', ['-c', `exec ${script}`], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const talk = createInterface({ input: child.stderr })[Symbol.asyncIterator]()
  /** The next line that has it. */
  const until = async (from: AsyncIterator<string>, wanted: string): Promise<string> => {
    for (;;) {
      const { value, done } = await from.next()
      if (done) throw new Error(`it ended without ${wanted}`)
      if (value.includes(wanted)) return value
    }
  }
  return { child, line: (wanted: string) => until(lines, wanted), said: (wanted: string) => until(talk, wanted) }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  children.delete(child)
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  return child.exitCode
}

async function connect(port: number, name: string, options: Record<string, unknown> = {}): Promise<RawClient> {
  const file = (end: string): string => text(`certs-dev/${name}.${end}`)
  const credentials = { key: file('key'), cert: file('pem'), ca: text('certs-dev/ca.pem') }
  const { client, code } = await RawClient.connect(port, credentials, name, options)
  expect(code).toBe(0)
  return client
}

test('from a start to a kick', { timeout: 300_000 }, async () => {
  const [serve, status, cron, list, show, watch, kick, program, ...more] = blocks
  expect(more).toEqual([])
  const broker = stay(serve)
  const port = Number(/localhost:(\d+)/.exec(await broker.line('guarding'))?.[1])
  await broker.line('trespass')
  expect(statSync(join(folder, 'certs-dev/portcullis.sock')).mode & 0o777).toBe(0o600)

  expect(await run(status)).toContain(`listening     mqtts://`)
  expect(await run(cron)).toBe('')
  expect(JSON.parse(text('status.json'))).toMatchObject({ sessions: { live: 0, kept: 0 }, trouble: [] })

  const pump = await connect(port, 'pump-7', { clean: false })
  await pump.subscribe('plant/s1/pump-7/command/start')
  const listed = await run(list)
  expect(listed).toMatch(/^CLIENT ID +IDENTITY .*\npump-7 +device:site=s1,device=pump-7 +live +127\.0\.0\.1 /)
  expect(JSON.parse(listed.slice(listed.indexOf('[')))).toMatchObject([{ clientId: 'pump-7', subscriptions: 1 }])
  const shown = await run(show)
  expect(shown).toContain('certificate    OU=s1, CN=pump-7\n')
  expect(shown).toContain('roles          sensor, everyone\n')
  expect(shown).toContain('  QoS 0        plant/s1/pump-7/command/start\n')

  const watching = stay(watch)
  await watching.said('watching; Ctrl-C ends it')
  await pump.publish('plant/s1/pump-7/telemetry/t')
  await pump.subscribe('plant/s1/pump-8/command/start')
  // the first line: no permit comes before it
  expect(await watching.line('')).toContain(
    'refused device:site=s1,device=pump-7 from 127.0.0.1 subscribe plant/s1/pump-8',
  )
  expect(await end(watching.child, 'SIGINT')).toBe(0)

  expect(await run(kick)).toBe('pump-7 was connected, and is no more\n')
  await pump.closed
  expect(JSON.parse(await broker.said('"kicked"'))).toMatchObject({ clientId: 'pump-7', forgotten: false })
  expect((await shell(kick ?? '')).exit).toBe(2)
  expect(await run('portcullis session kick pump-7 --forget')).toBe('what was kept of pump-7 is gone\n')
  expect((await shell(show ?? '')).exit).toBe(2)
  expect(await run(program)).toBe('{"version":1,"ok":true,"end":true}\n')

  expect(await end(broker.child, 'SIGTERM')).toBe(0)
  expect(existsSync(join(folder, 'certs-dev/portcullis.sock'))).toBe(false)
  const gone = await shell(status ?? '')
  expect(gone.exit).toBe(1)
  expect(gone.stderr).toContain('tool/no-broker: no broker answers at certs-dev/portcullis.sock\n')
})

test('a broker that was killed leaves a socket, and the next one takes its place', { timeout: 120_000 }, async () => {
  const first = stay('portcullis serve --port 0 --no-store')
  await first.line('trespass')
  await end(first.child, 'SIGKILL')
  expect(existsSync(join(folder, 'certs-dev/portcullis.sock'))).toBe(true)
  const second = stay('portcullis serve --port 0 --no-store')
  await second.line('trespass')
  await run('portcullis status')
  // a third one of this folder starts without, and leaves the second alone
  const third = stay('portcullis serve --port 0 --no-store')
  await third.line('trespass')
  await third.said('config/admin-in-use: another process answers at the admin socket certs-dev/portcullis.sock')
  await end(third.child, 'SIGTERM')
  await run('portcullis status')
  // where it was asked for, there is no start without it
  const asked = await shell('portcullis serve --port 0 --no-store --admin certs-dev/portcullis.sock')
  expect([asked.exit, asked.stdout]).toEqual([3, ''])
  expect(asked.stderr).toContain('config/admin-in-use: ')
})

test('the configuration that the page shows is one that serve takes', { timeout: 120_000 }, async () => {
  const page = readFileSync(new URL('docs/admin.md', root), 'utf8')
  const shown = /^admin: \{.*\}$/m.exec(page)?.[0]
  const own = 'tls: { certFile: certs-dev/server.pem, keyFile: certs-dev/server.key }'
  const issuers = 'issuers: { acme: { certificates: [certs-dev/issuing.pem], root: certs-dev/root.pem } }'
  writeFileSync(join(folder, 'portcullis.config.yaml'), `${own}\n${issuers}\n${shown}\n`)
  expect((await loadConfiguration(undefined, folder)).adminSocket).toBe(join(folder, 'run/portcullis.sock'))
  const broker = stay('portcullis serve --port 0')
  await broker.line('watch    npx portcullis watch --admin run/portcullis.sock')
  await run('portcullis status')
  await run('cd certs-dev && portcullis session list --admin ../run/portcullis.sock')
  await end(broker.child, 'SIGTERM')
  writeFileSync(join(folder, 'portcullis.config.yaml'), `${own}\n${issuers}\n`)
  const none = await shell('portcullis status')
  expect(none.exit).toBe(3)
  expect(none.stderr).toContain('tool/no-broker: portcullis.config.yaml gives the broker no admin socket\n')
})

test.skipIf(process.getuid?.() !== 0)('another user is told whom to be', { timeout: 120_000 }, async () => {
  await run('rm -f portcullis.config.yaml')
  const broker = stay('portcullis serve --port 0')
  await broker.line('trespass')
  await run('chmod 755 . certs-dev')
  const main = new URL('dist/tool/main.js', root).pathname
  const child = spawn(process.execPath, [main, 'status'], { cwd: folder, env, uid: 65_534, gid: 65_534 })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [exit] = await once(child, 'close')
  expect(said).toContain('tool/admin-denied: you may not open the admin socket certs-dev/portcullis.sock\n')
  expect(exit).toBe(1)
})
