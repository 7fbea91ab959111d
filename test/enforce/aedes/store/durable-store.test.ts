/** What a broker has acknowledged outlives it (docs/durability.md): real processes, killed without warning. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Level } from 'level'
import type { Packet } from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureDevCerts } from '../../../../src/provision/dev-certs.ts'
import type { TraceEvent } from '../../../../src/trace.ts'
import { nextMessage, subscribeAt, upTo } from '../../../suites/acts.ts'
import { RawClient } from '../../../support/raw-client.ts'
import { type ServedApart, serveApart } from '../../../support/serve-apart.ts'
import { startSample } from '../../../support/start-sample.ts'
import { SuiteCerts } from '../../../support/suite-certs.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

let folder: string
let certs: SuiteCerts
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-store-'))
  await ensureDevCerts(join(folder, 'certs-dev'), () => new Date())
  certs = new SuiteCerts(join(folder, 'certs-dev'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A folder with policies of its own, and room for a store. */
async function home(): Promise<string> {
  const made = await mkdtemp(join(folder, 'home-'))
  await cp(here('../../../../policies'), join(made, 'policies'), { recursive: true })
  // the sample's own tests are about the sample as it is
  await rm(join(made, 'policies', 'plant.test.yaml'))
  return made
}

async function editPolicy(at: string, change: (yaml: string) => string): Promise<void> {
  const file = join(at, 'policies', 'plant.yaml')
  const before = await readFile(file, 'utf8')
  const after = change(before)
  expect(after).not.toBe(before)
  await writeFile(file, after)
}

/** One life of a broker in this process. */
async function live(at: string, { crl = ['acme.crl'], clockMs = 0, events = [] as TraceEvent[] } = {}) {
  const running = await startSample({
    certs: join(folder, 'certs-dev'),
    policies: join(at, 'policies'),
    crl,
    now: () => Date.now() + clockMs,
    trace: event => void events.push(event),
    persistence: { kind: 'disk', folder: join(at, 'store') },
  })
  const login = async (name: string, clientId: string, options: Record<string, unknown> = {}): Promise<RawClient> => {
    const credentials = await certs.credentials(name)
    const { client, code } = await RawClient.connect(running.address.port, credentials, clientId, options)
    expect(code).toBe(0)
    return client
  }
  return { login, gate: running.gate, stop: () => running.close() }
}

/** One life of a broker as a process of its own. */
const liveApart = (at: string): Promise<ServedApart> =>
  serveApart(folder, '--store', join(at, 'store'), '--policies', join(at, 'policies'))

const command = 'plant/s1/pump-7/command/stop'
test('the store passes the suite that aedes has for persistences', { timeout: 120_000 }, () => {
  const env = { ...process.env, SUITE_FOLDER: folder, NODE_OPTIONS: '' }
  const ran = spawnSync(process.execPath, ['--test', here('abstract-suite.mjs')], { encoding: 'utf8', env })
  expect(ran.stdout).toMatch(/^# fail 0$/m)
  expect(Number(/^# pass (\d+)$/m.exec(ran.stdout)?.[1])).toBe(50)
  expect(ran.status).toBe(0)
})

describe('killed without warning', () => {
  test('the broker has every message of QoS 1 that it has acknowledged', { timeout: 60_000 }, async () => {
    const at = await home()
    const first = await liveApart(at)
    const device = await RawClient.connect(first.port, await certs.credentials('pump-7'), 'pump-7', { clean: false })
    expect(await subscribeAt(device.client, 1, command)).toEqual([1])
    await device.client.close()
    const { client: operator } = await RawClient.connect(first.port, await certs.credentials('ops-1'), 'ops-1/desk')
    const acknowledged: number[] = []
    let isKilled = false
    const listening = (async () => {
      for (let packet = await operator.next(); packet !== undefined; packet = await operator.next()) {
        if (packet.cmd === 'puback') acknowledged.push(packet.messageId as number)
        // while others are under way
        if (acknowledged.length === 150 && !isKilled) {
          isKilled = true
          await first.kill()
        }
      }
    })()
    for (let messageId = 1; messageId <= 400; messageId++)
      operator.send({
        cmd: 'publish',
        topic: command,
        payload: String(messageId),
        qos: 1,
        messageId,
        dup: false,
        retain: false,
      })
    await listening
    expect(acknowledged).toEqual(acknowledged.map((_, index) => index + 1))

    const second = await liveApart(at)
    const { client: sender } = await RawClient.connect(second.port, await certs.credentials('ops-1'), 'ops-1/desk')
    expect(await sender.publish(command, 'last')).toBe('acknowledged')
    const { client: back } = await RawClient.connect(second.port, await certs.credentials('pump-7'), 'pump-7', {
      clean: false,
    })
    const payloads = await upTo(back, 'last')
    const missing = acknowledged.filter(id => !payloads.includes(String(id)))
    expect(missing).toEqual([])
    // in order, also across lives
    expect(payloads).toEqual([...payloads].sort((a, b) => Number(a) - Number(b)))
    await second.kill()
  })

  test('no message of QoS 2 is lost or comes twice, when its sender goes on where it was', {
    timeout: 60_000,
  }, async () => {
    const at = await home()
    let broker = await liveApart(at)
    const device = await RawClient.connect(broker.port, await certs.credentials('pump-7'), 'pump-7', { clean: false })
    expect(await subscribeAt(device.client, 2, command)).toEqual([2])
    await device.client.close()
    const states = new Map<number, 'sent' | 'received'>()
    const total = 60
    let next = 1
    let lives = 0
    while (next <= total || states.size > 0) {
      const { client } = await RawClient.connect(broker.port, await certs.credentials('ops-1'), 'ops-1/desk', {
        clean: false,
      })
      let left = 7 + lives * 3
      for (const [messageId, state] of states) {
        if (state === 'received') client.send({ cmd: 'pubrel', messageId } as Packet)
        else client.send(message(messageId, true))
      }
      while (left > 0 && (next <= total || states.size > 0)) {
        while (states.size < 5 && next <= total) {
          states.set(next, 'sent')
          client.send(message(next++, false))
        }
        const packet = await client.next()
        if (packet === undefined) break
        const id = packet.messageId as number
        if (packet.cmd === 'pubrec') {
          states.set(id, 'received')
          client.send({ cmd: 'pubrel', messageId: id } as Packet)
        }
        if (packet.cmd === 'pubcomp') {
          states.delete(id)
          left--
        }
      }
      lives++
      await broker.kill()
      broker = await liveApart(at)
    }
    expect(lives).toBeGreaterThan(3)
    const { client: sender } = await RawClient.connect(broker.port, await certs.credentials('ops-1'), 'ops-1/end')
    expect(await sender.publish(command, 'last')).toBe('acknowledged')
    const { client: back } = await RawClient.connect(broker.port, await certs.credentials('pump-7'), 'pump-7', {
      clean: false,
    })
    const payloads = await upTo(back, 'last')
    expect(payloads.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, index) => index + 1))
    await broker.kill()
  })

  test('a message of QoS 2 that its receiver has released does not come again: its PUBREL does', {
    timeout: 60_000,
  }, async () => {
    const at = await home()
    const first = await liveApart(at)
    const device = await RawClient.connect(first.port, await certs.credentials('pump-7'), 'pump-7', { clean: false })
    expect(await subscribeAt(device.client, 2, command)).toEqual([2])
    const { client: operator } = await RawClient.connect(first.port, await certs.credentials('ops-1'), 'ops-1/desk')
    operator.send(message(1, false))
    const came = (await device.client.next()) as Packet
    expect(came).toMatchObject({ cmd: 'publish', qos: 2 })
    const { messageId } = came as { messageId: number }
    device.client.send({ cmd: 'pubrec', messageId } as Packet)
    expect(await device.client.next()).toMatchObject({ cmd: 'pubrel', messageId })
    await first.kill()
    const second = await liveApart(at)
    const back = await RawClient.connect(second.port, await certs.credentials('pump-7'), 'pump-7', { clean: false })
    expect(await back.client.next()).toMatchObject({ cmd: 'pubrel', messageId })
    await second.kill()
  })
})

function message(messageId: number, dup: boolean): Packet {
  return { cmd: 'publish', topic: command, payload: String(messageId), qos: 2, messageId, dup, retain: false } as Packet
}

describe('a store of an earlier life', () => {
  test('finds what overlapping filters of one session are for', async () => {
    const at = await home()
    const first = await live(at)
    const device = await first.login('ops-1', 'ops-1/desk', { clean: false })
    expect(await subscribeAt(device, 1, 'plant/s1/#')).toEqual([1])
    expect(await subscribeAt(device, 0, 'plant/s1/+/telemetry/temp')).toEqual([0])
    await device.close()
    const pump = await first.login('pump-7', 'pump-7')
    expect(await pump.publish('plant/s1/pump-7/telemetry/temp', '1')).toBe('acknowledged')
    await first.stop()
    const second = await live(at)
    const back = await second.login('ops-1', 'ops-1/desk', { clean: false })
    expect(String((await nextMessage(back)).payload)).toBe('1')
    await second.stop()
  })

  test('opens under a stricter policy without leaking', async () => {
    const at = await home()
    const first = await live(at)
    const device = await first.login('pump-7', 'pump-7', { clean: false })
    expect(await subscribeAt(device, 1, command)).toEqual([1])
    expect(await subscribeAt(device, 1, 'plant/s1/pump-7/command/start')).toEqual([1])
    await device.close()
    const operator = await first.login('ops-1', 'ops-1/desk')
    expect(await operator.publish(command, 'secret')).toBe('acknowledged')
    expect(await operator.publish('plant/s1/pump-7/command/start', 'open')).toBe('acknowledged')
    await first.stop()
    await editPolicy(at, yaml =>
      yaml.replace(
        '    deny:\n      - publish: plant/+/+/telemetry/secret/#',
        found => `${found}\n      - receive: plant/+/+/command/stop`,
      ),
    )
    const second = await live(at)
    const back = await second.login('pump-7', 'pump-7', { clean: false })
    expect(await upTo(back, 'open')).toEqual([])
    await second.stop()
  })

  test('releases what was sent at QoS 2 and may not be sent again', async () => {
    const at = await home()
    const first = await live(at)
    const device = await first.login('pump-7', 'pump-7', { clean: false })
    expect(await subscribeAt(device, 2, command)).toEqual([2])
    const operator = await first.login('ops-1', 'ops-1/desk')
    operator.send(message(1, false))
    const { messageId } = (await device.next()) as { messageId: number }
    await device.close()
    await first.stop()
    await editPolicy(at, yaml =>
      yaml.replace(
        '    deny:\n      - publish: plant/+/+/telemetry/secret/#',
        found => `${found}\n      - receive: plant/+/+/command/stop`,
      ),
    )
    const second = await live(at)
    const back = await second.login('pump-7', 'pump-7', { clean: false })
    expect(await back.next()).toMatchObject({ cmd: 'pubrel', messageId })
    back.send({ cmd: 'pubcomp', messageId } as Packet)
    back.send({ cmd: 'pingreq' } as Packet)
    expect(await back.next()).toMatchObject({ cmd: 'pingresp' })
    await second.stop()
    const level = new Level(join(at, 'store'))
    expect((await level.keys().all()).filter(key => key.startsWith('outgoing'))).toEqual([])
    await level.close()
  })

  test('belongs to nobody else: a session whose owner is refused now is ended at the start', async () => {
    const at = await home()
    const first = await live(at)
    const device = await first.login('pump-7', 'pump-7', { clean: false })
    expect(await subscribeAt(device, 1, command)).toEqual([1])
    await device.close()
    await first.stop()
    await editPolicy(at, yaml => yaml.replace('subject.ou: "${site}"', 'subject.ou: "x-${site}"'))
    await (await live(at)).stop()
    const store = new Level(join(at, 'store'))
    expect((await store.keys().all()).filter(key => key.startsWith('subscriptions:'))).toEqual([])
    await store.close()
  })

  test.each([
    ['is sent', (yaml: string) => `${yaml}\n# the same\n`, ['gone']],
    [
      'is not sent where the policy has changed',
      (yaml: string) =>
        yaml.replace(
          '    deny:\n      - publish: plant/+/+/telemetry/secret/#',
          found => `${found}\n      - publish: plant/+/+/telemetry/state`,
        ),
      [],
    ],
  ])('a will of a clean session, left by a kill, %s at the next start', async (_, change, expected) => {
    const at = await home()
    const operator = await live(at)
    const desk = await operator.login('ops-1', 'ops-1/desk', { clean: false })
    expect(await subscribeAt(desk, 1, 'plant/s1/#')).toEqual([1])
    await desk.close()
    await operator.stop()
    const broker = await liveApart(at)
    const will = { topic: 'plant/s1/pump-7/telemetry/state', payload: Buffer.from('gone'), qos: 1, retain: false }
    const { code } = await RawClient.connect(broker.port, await certs.credentials('pump-7'), 'pump-7', { will })
    expect(code).toBe(0)
    await broker.kill()
    await editPolicy(at, change)
    const next = await live(at)
    const pump = await next.login('pump-7', 'pump-7')
    expect(await pump.publish('plant/s1/pump-7/telemetry/temp', 'marker')).toBe('acknowledged')
    const back = await next.login('ops-1', 'ops-1/desk', { clean: false })
    expect(await upTo(back, 'marker')).toEqual(expected)
    await next.stop()
  })
})

test('a will that a kill has left, and whose owner is nobody any more, is dropped, and that is told', async () => {
  const at = await home()
  const broker = await liveApart(at)
  const will = { topic: 'plant/s1/pump-7/telemetry/state', payload: Buffer.from('gone'), qos: 1, retain: false }
  await RawClient.connect(broker.port, await certs.credentials('pump-7'), 'pump-7', { will })
  await broker.kill()
  await editPolicy(at, yaml => yaml.replace('subject.ou: "${site}"', 'subject.ou: "x-${site}"'))
  const events: TraceEvent[] = []
  await (await live(at, { events })).stop()
  const refused = events.filter(event => event.event === 'refused' && event.action.verb === 'will')
  expect(refused).toMatchObject([{ peer: { clientId: 'pump-7' }, problem: { code: 'bind/unowned' } }])
})

test('stopped by SIGTERM, a broker sends each will once: to who is there, and to who was away at the next start', async () => {
  const at = await home()
  const broker = await liveApart(at)
  const login = async (name: string, clientId: string, options = {}, port = broker.port): Promise<RawClient> =>
    (await RawClient.connect(port, await certs.credentials(name), clientId, options)).client
  const away = await login('ops-1', 'ops-1/away', { clean: false })
  expect(await subscribeAt(away, 1, 'plant/s1/#')).toEqual([1])
  await away.close()
  const there = await login('audit-1', 'audit-1/desk')
  expect(await subscribeAt(there, 1, 'plant/#')).toEqual([1])
  const willOf = (device: string) => ({
    will: { topic: `plant/s1/${device}/telemetry/state`, payload: Buffer.from(device), qos: 1, retain: false },
  })
  await login('pump-7', 'pump-7', willOf('pump-7'))
  await login('pump-8', 'pump-8', { ...willOf('pump-8'), clean: false })
  const gone = once(broker.process, 'exit')
  broker.process.kill('SIGTERM')
  const told = [await nextMessage(there), await nextMessage(there)].map(({ payload }) => String(payload))
  expect(told.sort()).toEqual(['pump-7', 'pump-8'])
  expect(await gone).toEqual([0, null])

  const next = await liveApart(at)
  const pump = await login('pump-7', 'pump-7', {}, next.port)
  expect(await pump.publish('plant/s1/pump-7/telemetry/temp', 'marker')).toBe('acknowledged')
  const back = await login('ops-1', 'ops-1/away', { clean: false }, next.port)
  expect([...(await upTo(back, 'marker'))].sort()).toEqual(['pump-7', 'pump-8'])
  await next.kill()
})

test('the newest CRL that a life has seen tells the next one, which has none, that its clock was set back (4.5)', async () => {
  const at = await home()
  await (await live(at)).stop()
  const second = await live(at, { crl: [], clockMs: -86_400_000 })
  expect(second.gate.revocations.clockProblem()).toMatchObject({ code: 'accept/clock-set-back' })
  await second.stop()
})

describe('a folder', () => {
  test('is for its owner only, and for one broker at a time', async () => {
    const at = await home()
    const first = await live(at)
    expect((await stat(join(at, 'store'))).mode & 0o777).toBe(0o700)
    await expect(live(at)).rejects.toThrow('config/store-in-use')
    await first.stop()
  })

  test('of another program, or of another version, is left alone', async () => {
    const at = await home()
    const other = new Level(join(at, 'store'))
    await other.put('mine', 'yours')
    await other.close()
    await expect(live(at)).rejects.toThrow('config/bad-store')
    const again = new Level(join(at, 'store'))
    expect(await again.keys().all()).toEqual(['mine'])
    await again.close()
    const file = await home()
    await mkdir(join(file, 'x'))
    await writeFile(join(file, 'store'), 'a file')
    await expect(live(file)).rejects.toThrow('config/bad-store')
  })
})
