/** The log of a broker as it is shipped, replayed: nothing changes under its own policies, and exactly what was changed under others. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureDevCerts } from '../../../src/provision/dev-certs.ts'

const main = fileURLToPath(new URL('../../../dist/tool/main.js', import.meta.url))
const timeout = 120_000
const own = 'plant/s1/pump-7/telemetry'
const config = `
tls: { certFile: certs-dev/server.pem, keyFile: certs-dev/server.key }
issuers: { acme: { certificates: [certs-dev/issuing.pem], root: certs-dev/root.pem, crl: [certs-dev/acme.crl] } }
log: { refusalsPerMinute: 4, permits: all }
`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-replay-'))
  for (const name of ['policies', 'next'])
    await cp(new URL('../../../policies', import.meta.url), join(folder, name), { recursive: true })
  await ensureDevCerts(join(folder, 'certs-dev'), () => new Date())
  await writeFile(join(folder, 'serve.yaml'), config)
  // its tests say that what is too broad is refused
  await rm(join(folder, 'policies/plant.test.yaml'))
  await edit(
    'policies',
    ['onDeniedPublish: disconnect', 'onDeniedPublish: drop'],
    ['onBroadSubscribe: refuse', 'onBroadSubscribe: narrow'],
  )
  await edit(
    'next',
    ['maxQos: 1\n        retain: false', 'maxQos: 0'],
    ['- subscribe: plant/${sites}/#\n', `- { subscribe: "plant/\${sites}/#", maxQos: 0 }\n`],
    ['  # An auditor sees', `    deny: [{ receive: ${own}/temp }]\n  # An auditor sees`],
  )
  await record()
}, timeout)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Changes the sample policy; each text must be there. */
async function edit(name: string, ...changes: readonly (readonly [from: string, to: string])[]): Promise<void> {
  const file = join(folder, name, 'plant.yaml')
  let text = await readFile(file, 'utf8')
  for (const [from, to] of changes) {
    expect(text).toContain(from)
    text = text.replace(from, () => to)
  }
  await writeFile(file, text)
}

async function client(port: number, name: string, options: IClientOptions): Promise<MqttClient> {
  const read = (file: string): Promise<Buffer> => readFile(join(folder, 'certs-dev', file))
  const [cert, key, ca] = await Promise.all([read(`${name}.pem`), read(`${name}.key`), read('root.pem')])
  const tls = { servername: 'localhost', cert, key, ca, protocolVersion: 4, reconnectPeriod: 0 } as const
  return connectAsync(`mqtts://127.0.0.1:${port}`, { ...tls, ...options }, false)
}

/** A connection that is refused; it has been told by the time that this resolves. */
async function refused(port: number, options: IClientOptions): Promise<void> {
  await expect(client(port, 'pump-7', options)).rejects.toThrow()
}

async function knock(port: number): Promise<void> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  socket.on('error', () => undefined)
  await once(socket, 'close')
}

/** A day of the broker, in its log. */
async function record(): Promise<void> {
  const words = ['serve', '--config', 'serve.yaml', '--host', '127.0.0.1', '--port', '0', '--log', 'decisions.log']
  const child = spawn(process.execPath, [main, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const [first] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const port = Number(/:(\d+) /.exec(first)?.[1])
  const ops = await client(port, 'ops-1', { clientId: 'ops-1/desk' })
  await ops.subscribeAsync('plant/s1/#', { qos: 1 })
  const heard = new Promise<void>(resolve => {
    ops.on('message', topic => topic.endsWith('/last') && resolve())
  })
  const pump = await client(port, 'pump-7', { clientId: 'pump-7' })
  await pump.subscribeAsync('plant/s1/pump-7/command/+')
  await pump.publishAsync(`${own}/temp`, '21', { qos: 1 })
  await pump.publishAsync(`${own}/temp`, '21', { qos: 0, retain: true })
  await pump.publishAsync('plant/s1/pump-8/telemetry/temp', '21', { qos: 0 })
  await pump.publishAsync(`${own}/last`, '21', { qos: 0 })
  await heard
  await refused(port, { clientId: 'pump-8' })
  await refused(port, {
    clientId: 'pump-7',
    will: { topic: 'plant/s1/pump-8/state', payload: Buffer.alloc(3) } as never,
  })
  for (let index = 0; index < 6; index += 1) await knock(port)
  await Promise.all([ops.endAsync(), pump.endAsync()])
  child.kill('SIGTERM')
  await once(child, 'exit')
}

interface Answer {
  readonly [key: string]: unknown
  readonly groups: readonly { change: string; identity: string; action: string; count: number }[]
}

async function replay(...words: readonly string[]): Promise<Answer> {
  const args = [main, 'policy', 'replay', 'decisions.log', '--json', '--fail-on', 'change', ...words]
  const run = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch(
    (error: { code: number; stdout: string }) => error,
  )
  return { ...(JSON.parse(run.stdout) as Answer), exit: 'code' in run ? run.code : 0 }
}

const unknown = { 'no-identity': 0, 'not-policy': 0, 'beyond-policy': 0, 'missing-facts': 0 }

test('under its own policies nothing changes', { timeout }, async () => {
  expect(await replay()).toMatchObject({
    ...{ exit: 0, decisions: 12, same: 12, groups: [], unknown, brokenLines: 0 },
    ...{ nobody: 4, suppressed: 2, connects: 3, permits: 6, ungrouped: 0 },
  })
})

test('a subscription that was narrowed says so in the log', async () => {
  const log = await readFile(join(folder, 'decisions.log'), 'utf8')
  expect(log.split('\n').filter(line => line.includes('"narrowed":true'))).toHaveLength(1)
  expect(log).toMatch(/"action":"subscribe","topic":"plant\/s1\/pump-7\/command\/\+".*"narrowed":true/)
})

test('under others exactly what they change', { timeout }, async () => {
  const { groups, ...sums } = await replay('--policies', 'next')
  expect(sums).toMatchObject({ exit: 2, decisions: 12, same: 7, unknown, nobody: 4, suppressed: 2 })
  expect(groups.map(({ change, identity, action, count }) => [change, identity, action, count])).toEqual([
    ['newly-refused', 'device', 'subscribe', 1],
    ['newly-refused', 'device', 'publish', 1],
    ['newly-refused', 'staff', 'receive', 1],
    ['newly-permitted', 'device', 'publish', 1],
    ['lower-qos', 'staff', 'subscribe', 1],
  ])
})
