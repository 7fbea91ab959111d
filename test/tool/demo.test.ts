/** The demonstration as it is shipped: the guard keeps what it promises, and the table is able to show that a broker does not. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import mqttPacket from 'mqtt-packet'
import { expect, onTestFinished, test } from 'vitest'
import { ensureDevCerts } from '../../src/provision/dev-certs.ts'
import { startHandmade } from '../support/handmade.ts'
import { RawClient } from '../support/raw-client.ts'
import { hasRedis, startRedis } from '../support/redis.ts'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

interface Row {
  readonly scene: string
  readonly expected: string
  readonly seen: string
}

/** Runs `demo --json` and resolves with its rows and exit code. */
function demo(...options: string[]): Promise<{ rows: readonly Row[]; exit: number }> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [main, 'demo', '--json', ...options], (error, stdout, stderr) => {
      if (stdout === '') reject(error ?? new Error(stderr))
      else resolve({ rows: JSON.parse(stdout) as readonly Row[], exit: child.exitCode ?? -1 })
    })
  })
}

const differing = (rows: readonly Row[]): readonly Row[] => rows.filter(row => row.seen !== row.expected)

test('plays every scene as expected against a guarded broker', async () => {
  const { rows, exit } = await demo()
  expect(rows.length).toBeGreaterThanOrEqual(16)
  expect(differing(rows)).toEqual([])
  expect(exit).toBe(0)
})

test.skipIf(!hasRedis)(
  `plays them as expected against two nodes of a cluster${hasRedis ? '' : ' (redis-server is not installed)'}`,
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-demo-redis-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const redis = await startRedis(folder)
    onTestFinished(() => redis.stop())
    const { rows, exit } = await demo('--cluster', redis.url)
    expect(differing(rows)).toEqual([])
    expect(exit).toBe(0)
  },
)

// aedes.md 20, seen to end a broker; that the guard survives it is tested in test/enforce/aedes/guard.test.ts
test('a parser error right behind CONNECT ends a broker whose hooks ask the socket', async () => {
  const certs = await mkdtemp(join(tmpdir(), 'portcullis-handmade-'))
  onTestFinished(() => rm(certs, { recursive: true, force: true }))
  const { paths } = await ensureDevCerts(certs, () => new Date())
  const handmade = await startHandmade(certs)
  onTestFinished(() => handmade.close())
  const text = (path: string): Promise<string> => readFile(path, 'utf8')
  const client = await RawClient.open(handmade.port, {
    ca: await text(paths.ca),
    key: await text(paths.keyOf('pump-7')),
    cert: await text(paths.certificateOf('pump-7')),
  })
  const packet = mqttPacket.generate({
    cmd: 'connect',
    clientId: 'pump-7',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 0,
  })
  client.write(Buffer.concat([packet, Buffer.from([0, 0])]))
  await handmade.crashed
})
