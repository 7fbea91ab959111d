/** What signals do to a real `serve`: it drains, stops at once when told twice, and reads everything anew (3.7). */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { root } from '../../support/files.ts'
import { RawClient } from '../../support/raw-client.ts'
import { type Served, startServed } from '../../support/served.ts'

let served: Served
afterEach(() => served.close())

const own = 'plant/s1/pump-7/telemetry/temp'
const login = async (name: string, clientId = name, connect = {}): Promise<RawClient> => {
  const { client, code } = await RawClient.connect(served.port, served.credentials(name), clientId, connect)
  expect(code).toBe(0)
  return client
}
const ask = async (path: string) => {
  const response = await fetch(`${served.operate}${path}`, { headers: { connection: 'close' } })
  return { status: response.status, body: await response.text() }
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', signal => {
  test('sends wills to those who are still there, ends everybody, and exits with 0', async () => {
    served = await startServed()
    expect(await ask('/readyz')).toEqual({ status: 200, body: 'ready\n' })
    const ops = await login('ops-1', 'ops-1/desk')
    expect(await ops.subscribe('plant/s1/#')).toEqual([0])
    const pump = await login('pump-7', 'pump-7', {
      will: { topic: own, payload: Buffer.from('gone'), qos: 0, retain: false },
    })
    served.child.kill(signal)
    const will = await ops.next()
    expect(will).toMatchObject({ cmd: 'publish', topic: own })
    await Promise.all([ops.closed, pump.closed])
    expect(await served.ended).toEqual([0, null])
    const log = served.log()
    expect(log.find(({ event }) => event === 'stopping')).toMatchObject({
      signal,
      sessions: 2,
      graceSeconds: 0,
      drainSeconds: 10,
    })
    const gone = log.filter(({ event }) => event === 'disconnected')
    expect(gone.map(({ code }) => code)).toEqual(['enforce/draining', 'enforce/draining'])
  })
})

test('who does not hang up is cut, and the exit code is 0 all the same', async () => {
  served = await startServed('{ port: 0, drainSeconds: 5 }')
  const credentials = served.credentials('pump-7')
  const at = { port: served.port, host: '127.0.0.1', servername: 'localhost', allowHalfOpen: true, ...credentials }
  const socket = tls.connect(at)
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  const client = new RawClient(socket)
  expect(await client.login('pump-7')).toBe(0)
  // and one that has not logged in
  const silent = tls.connect(at)
  silent.on('error', () => undefined)
  await once(silent, 'secureConnect')
  served.child.kill('SIGTERM')
  expect(await served.ended).toEqual([0, null])
  socket.destroy()
  silent.destroy()
})

test('red at once, open for the grace, and a second signal ends it at once', async () => {
  served = await startServed('{ port: 0, graceSeconds: 600 }')
  served.child.kill('SIGTERM')
  await served.logged(({ event }) => event === 'stopping')
  expect(await ask('/readyz')).toEqual({ status: 503, body: 'broker: enforce/draining: the broker is stopping\n' })
  expect(await ask('/healthz')).toMatchObject({ status: 200 })
  expect((await ask('/metrics')).body).toContain('\nportcullis_ready 0\n')
  const late = await login('pump-7')
  served.child.kill('SIGTERM')
  await late.closed
  expect(await served.ended).toEqual([1, null])
})

test('SIGHUP reads everything anew; what is refused is told, and what is in force stays', async () => {
  served = await startServed()
  const policy = join(served.folder, 'policies', 'plant.yaml')
  const [good, key] = [policy, join(served.folder, 'certs-dev', 'server.key')].map(file => readFileSync(file, 'utf8'))
  const client = await login('pump-7')
  appendFileSync(policy, '\nnonsense: 1\n')
  writeFileSync(join(served.folder, 'certs-dev', 'server.key'), 'no key')
  served.child.kill('SIGHUP')
  const refused = await served.logged(({ event }) => event === 'reloaded')
  expect(refused).toMatchObject({ level: 'error' })
  expect(refused['refused']).toBeGreaterThanOrEqual(2)
  expect(served.log()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ event: 'policy-refused' }),
      expect.objectContaining({ event: 'alarm', code: 'config/bad-key' }),
    ]),
  )
  expect(await client.publish(own)).toBe('acknowledged')
  expect(await ask('/readyz')).toMatchObject({ status: 200 })
  await (await login('pump-8')).close()
  // the watchers tell the same; what they still have to say must not fall into the next reload
  await served.logged(({ event }) => event === 'policy-refused', 2)
  await served.logged(({ code }) => code === 'config/bad-key', 2)

  writeFileSync(policy, `${good}# again\n`)
  writeFileSync(join(served.folder, 'certs-dev', 'server.key'), key as string)
  served.child.kill('SIGHUP')
  expect(await served.logged(({ event }) => event === 'reloaded', 2)).toMatchObject({ level: 'info', refused: 0 })
  expect((await ask('/metrics')).body).toContain('\nportcullis_policy_reload_ok 1\n')
  expect(await client.publish(own)).toBe('acknowledged')
})

const hasScript = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0

test.skipIf(!hasScript)('SIGHUP of a terminal that was closed stops it', async () => {
  served = await startServed()
  served.child.kill('SIGTERM')
  await served.ended
  // the same, on a terminal of its own (script, of util-linux)
  const main = fileURLToPath(new URL('dist/tool/main.js', root))
  const command = `echo $$ > pid; exec '${process.execPath}' '${main}' serve`
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: served.folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const lines = createInterface({ input: terminal.stdout })
  for await (const line of lines) if (line.startsWith('operate ')) break
  const pid = Number(readFileSync(join(served.folder, 'pid'), 'utf8'))
  try {
    process.kill(pid, 'SIGHUP')
    expect(await served.logged(({ event }) => event === 'reloaded')).toMatchObject({ refused: 0 })
    terminal.kill('SIGKILL')
    expect(await served.logged(({ event }) => event === 'stopping', 2)).toMatchObject({ signal: 'SIGHUP' })
  } finally {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it has ended, as it should
    }
  }
})
