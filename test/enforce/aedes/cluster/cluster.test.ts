/** Two nodes on a real Redis: one session of a client id among them, and nothing acknowledged is lost (docs/cluster.md). */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import type { Packet } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openCluster } from '../../../../src/enforce/aedes/cluster/open-cluster.ts'
import { RedisQueues } from '../../../../src/enforce/aedes/cluster/redis-queues.ts'
import { ensureDevCerts } from '../../../../src/provision/dev-certs.ts'
import type { RunningBroker } from '../../../../src/tool/start-guarded.ts'
import type { TraceEvent } from '../../../../src/trace.ts'
import { subscribeAt } from '../../../suites/acts.ts'
import { idleGate } from '../../../support/idle-gate.ts'
import { RawClient } from '../../../support/raw-client.ts'
import { hasRedis, type RedisServer, startRedis } from '../../../support/redis.ts'
import { type ServedApart, serveApart } from '../../../support/serve-apart.ts'
import { startSample } from '../../../support/start-sample.ts'
import { SuiteCerts } from '../../../support/suite-certs.ts'
import { commandsOf } from '../../../support/use-redis.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const command = 'plant/s1/pump-7/command/stop'
const state = 'plant/s1/pump-7/telemetry/state'

describe.skipIf(!hasRedis)(`a cluster${hasRedis ? '' : ' (redis-server is not installed)'}`, () => {
  let folder: string
  let certs: SuiteCerts
  let redis: RedisServer
  const nodes: RunningBroker[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portcullis-cluster-'))
    await ensureDevCerts(join(folder, 'certs-dev'), () => new Date())
    await cp(here('../../../../policies'), join(folder, 'policies'), { recursive: true })
    await mkdir(join(folder, 'redis'))
    certs = new SuiteCerts(join(folder, 'certs-dev'))
    redis = await startRedis(join(folder, 'redis'))
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.close()))
  })
  afterAll(async () => {
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function node(
    events: TraceEvent[] = [],
    policies = join(folder, 'policies'),
    certsFolder = join(folder, 'certs-dev'),
  ) {
    const trace = (event: TraceEvent): void => void events.push(event)
    const running = await startSample({
      certs: certsFolder,
      policies,
      trace,
      persistence: { kind: 'redis', url: redis.url },
    })
    nodes.push(running)
    const { port } = running.address
    return { running, port, login: (name: string, id: string, options = {}) => loginAt(port, name, id, options) }
  }

  async function loginAt(port: number, name: string, clientId: string, options: Record<string, unknown> = {}) {
    const credentials = await certs.credentials(name)
    return RawClient.connect(port, credentials, clientId, options)
  }

  const child = (): Promise<ServedApart> => serveApart(folder, '--cluster', redis.url)

  test('what is said on one node is heard on the other', async () => {
    const [a, b] = [await node(), await node()]
    const { client: operator } = await b.login('ops-1', 'ops-1/desk')
    expect(await subscribeAt(operator, 1, 'plant/s1/#')).toEqual([1])
    const { client: pump } = await a.login('pump-7', 'pump-7')
    expect(await pump.publish(state, 'on')).toBe('acknowledged')
    expect(await operator.next()).toMatchObject({ cmd: 'publish', topic: state })
  })

  test('a session that was left on one node goes on at the other, with its queue', async () => {
    const [a, b] = [await node(), await node()]
    const { client: pump } = await a.login('pump-7', 'pump-7', { clean: false })
    expect(await subscribeAt(pump, 1, command)).toEqual([1])
    await pump.close()
    const { client: operator } = await a.login('ops-1', 'ops-1/desk')
    expect(await operator.publish(command, 'now')).toBe('acknowledged')
    const { client: back } = await b.login('pump-7', 'pump-7', { clean: false })
    const message = await back.next()
    expect(message).toMatchObject({ cmd: 'publish', topic: command })
    back.send({ cmd: 'puback', messageId: message?.messageId } as Packet)
    await back.close()
    const { client: clean } = await a.login('pump-7', 'pump-7', { clean: true })
    await clean.close()
  })

  test('a message that a node was about to take out of a queue when it was killed is sent as any other, where it may be', async () => {
    const [a, b] = [await node(), await node()]
    const { client: pump } = await a.login('pump-7', 'pump-7', { clean: false })
    expect(await subscribeAt(pump, 1, command)).toEqual([1])
    await pump.close()
    const { client: operator } = await a.login('ops-1', 'ops-1/desk')
    for (const payload of ['first', 'second']) expect(await operator.publish(command, payload)).toBe('acknowledged')
    const client = new Redis(redis.url)
    try {
      const queues = new RedisQueues(client)
      for await (const packet of queues.stream({ id: 'pump-7' })) {
        await queues.update({ id: 'pump-7' }, { ...packet, messageId: 65_540 })
        break
      }
    } finally {
      client.disconnect()
    }
    const { client: back } = await b.login('pump-7', 'pump-7', { clean: false })
    for (const payload of ['first', 'second']) {
      const message = await back.next()
      expect(message).toMatchObject({ cmd: 'publish', topic: command, payload: Buffer.from(payload) })
      back.send({ cmd: 'puback', messageId: message?.messageId } as Packet)
    }
    await back.close()
    const { client: clean } = await a.login('pump-7', 'pump-7', { clean: true })
    await clean.close()
  })

  test('that a message of QoS 2 was received is written before anybody is sent it, also where it waits for nobody', async () => {
    const a = await node()
    const { client: pump } = await a.login('pump-7', 'pump-7')
    expect(await subscribeAt(pump, 2, command)).toEqual([2])
    const { client: operator } = await a.login('ops-1', 'ops-1/desk', { clean: false })
    const client = new Redis(redis.url)
    const message = { cmd: 'publish', topic: command, payload: 'now', qos: 2, messageId: 5, dup: false, retain: false }
    const asked = await commandsOf(client, async () => {
      operator.send(message as Packet)
      expect(await operator.next()).toMatchObject({ cmd: 'pubrec' })
      expect(await pump.next()).toMatchObject({ cmd: 'publish', topic: command })
    }).finally(() => client.disconnect())
    const commands = asked.map(words => words.join(' '))
    const sent = commands.findIndex(one => one.startsWith(`publish portcullis-topic:${command}`))
    const received = commands.findIndex(one => /^(eval|hset).*portcullis:incoming:ops-1/.test(one))
    expect(received).toBeGreaterThanOrEqual(0)
    // a node that is killed in between has the sender repeat it, and its receiver would have it twice
    expect(received).toBeLessThan(sent)
    const { client: clean } = await a.login('ops-1', 'ops-1/desk', { clean: true })
    await clean.close()
  })

  test('who connects to another node takes its session there, and the first connection ends', async () => {
    const [a, b] = [await node(), await node()]
    const first = await a.login('pump-7', 'pump-7')
    expect(first.code).toBe(0)
    const second = await b.login('pump-7', 'pump-7')
    expect(second.code).toBe(0)
    await first.client.closed
    expect(await second.client.publish(state, 'here')).toBe('acknowledged')
  })

  test('of two that log in at once on two nodes, one at most stays, and one can', async () => {
    const [a, b] = [await node(), await node()]
    const both = await Promise.all([a.login('pump-7', 'pump-7'), b.login('pump-7', 'pump-7')])
    expect(both.map(({ code }) => code)).toContain(0)
    const live = nodes.filter(({ gate }) => gate.liveSession('pump-7') !== undefined)
    expect(live.length).toBeLessThanOrEqual(1)
    const { code } = await a.login('pump-7', 'pump-7')
    expect(code).toBe(0)
  })

  test('a place that a node could not give back, as Redis went away, is free for whoever asks for it', async () => {
    const [a, b] = [await node(), await node()]
    const client = new Redis(redis.url)
    try {
      const { client: pump } = await a.login('pump-7', 'pump-7')
      const entry = (await client.hget('portcullis:live', 'pump-7')) ?? ''
      await pump.close()
      while ((await client.hexists('portcullis:live', 'pump-7')) === 1);
      await client.hset('portcullis:live', 'pump-7', entry)
      expect((await b.login('pump-7', 'pump-7')).code).toBe(0)
    } finally {
      client.disconnect()
    }
  })

  test('sessions of an identity are counted on all nodes together', async () => {
    const limited = await mkdtemp(join(folder, 'limited-'))
    await cp(join(folder, 'policies'), limited, { recursive: true })
    const file = join(limited, 'plant.yaml')
    const yaml = await readFile(file, 'utf8')
    await writeFile(file, yaml.replace('    membersOnly: true', '    maxSessions: 2\n    membersOnly: true'))
    const [a, b] = [await node([], limited), await node([], limited)]
    expect((await a.login('ops-1', 'ops-1/a')).code).toBe(0)
    const second = await b.login('ops-1', 'ops-1/b')
    expect(second.code).toBe(0)
    const events: TraceEvent[] = []
    const third = await node(events, limited)
    expect((await third.login('ops-1', 'ops-1/c')).code).toBe(3)
    expect(events).toContainEqual(
      expect.objectContaining({
        event: 'connect-refused',
        problem: expect.objectContaining({ code: 'bind/too-many-sessions' }),
      }),
    )
    await second.client.close()
    // it is heard of as soon as the connection has gone
    let code: number | 'closed' = 3
    for (let attempt = 0; code !== 0 && attempt < 50; attempt++) code = (await third.login('ops-1', 'ops-1/c')).code
    expect(code).toBe(0)
  })

  test('a CRL that one node has from its file ends sessions on the other, and is in force where a node starts later', async () => {
    const elsewhere = join(await mkdtemp(join(folder, 'elsewhere-')), 'certs-dev')
    await cp(join(folder, 'certs-dev'), elsewhere, { recursive: true })
    const [a, b] = [await node([], undefined, elsewhere), await node()]
    const { client: device } = await b.login('pump-9', 'pump-9')
    const { client: other } = await b.login('pump-7', 'pump-7')
    // the folder of b keeps the list that it has
    await new SuiteCerts(elsewhere).revoke('pump-9')
    await a.running.gate.reloadTrust()
    await device.closed
    expect(await other.publish(state, 'on')).toBe('acknowledged')
    expect((await b.login('pump-9', 'pump-9')).code).not.toBe(0)
    const later = await node()
    expect((await later.login('pump-9', 'pump-9')).code).not.toBe(0)
    expect((await later.login('pump-8', 'pump-8')).code).toBe(0)
  })

  test('wills of a node that was killed are sent by another, once, or dropped where they may not be sent', {
    timeout: 60_000,
  }, async () => {
    const policies = await mkdtemp(join(folder, 'stricter-'))
    await cp(join(folder, 'policies'), policies, { recursive: true })
    await rm(join(policies, 'plant.test.yaml'))
    const file = join(policies, 'plant.yaml')
    const deny = '      - publish: plant/+/+/telemetry/secret/#'
    const yaml = await readFile(file, 'utf8')
    await writeFile(file, yaml.replace(deny, `${deny}\n      - publish: plant/+/pump-8/telemetry/state`))
    const events: TraceEvent[] = []
    const [a, b] = [await node(events, policies), await node(events, policies)]
    const listeners = await Promise.all([a.login('ops-1', 'ops-1/a'), b.login('ops-1', 'ops-1/b')])
    for (const { client } of listeners) expect(await subscribeAt(client, 1, 'plant/s1/#')).toEqual([1])
    const killed = await child()
    for (const name of ['pump-7', 'pump-8']) {
      const will = { topic: `plant/s1/${name}/telemetry/state`, payload: Buffer.from('gone'), qos: 1, retain: false }
      expect((await loginAt(killed.port, name, name, { will })).code).toBe(0)
    }
    await killed.kill()
    // its will is not decided under, and not held against, the connection that it has now
    const { client: back } = await a.login('pump-8', 'pump-8')
    for (const { client } of listeners) expect(await client.next()).toMatchObject({ cmd: 'publish', topic: state })
    const refused = (): boolean => events.some(event => event.event === 'refused' && event.action.verb === 'will')
    while (!refused()) await setImmediate()
    expect(await back.publish('plant/s1/pump-8/telemetry/temp', 'after')).toBe('acknowledged')
    for (const { client } of listeners) {
      client.send({ cmd: 'puback', messageId: 1 } as Packet)
      expect(await client.next()).toMatchObject({ cmd: 'publish', topic: 'plant/s1/pump-8/telemetry/temp' })
    }
  })

  test('without Redis nobody logs in and nothing is acknowledged; afterwards everything goes on', {
    timeout: 60_000,
  }, async () => {
    const a = await node()
    const { client: pump } = await a.login('pump-7', 'pump-7', { clean: false })
    expect(await subscribeAt(pump, 1, command)).toEqual([1])
    await pump.close()
    const { client: operator } = await a.login('ops-1', 'ops-1/desk')
    await redis.stop()
    expect((await a.login('pump-8', 'pump-8')).code).toBe(3)
    operator.send({ cmd: 'publish', topic: command, payload: 'x', qos: 1, messageId: 5, dup: false, retain: false })
    const answer = await operator.next()
    expect(answer?.cmd).not.toBe('puback')
    await redis.start()
    // a connection may be closed once more, as soon as the node hears of the others again
    for (let said = ''; said !== 'acknowledged'; ) {
      const { client: again, code } = await a.login('ops-1', 'ops-1/desk')
      if (code === 0) said = await again.publish(command, 'safe', { messageId: 6 })
    }
    const payloads: string[] = []
    while (!payloads.includes('safe')) {
      const { client: back } = await a.login('pump-7', 'pump-7', { clean: false })
      for (let packet = await back.next(); packet !== undefined; packet = await back.next()) {
        if (packet.cmd === 'publish') payloads.push(String(packet.payload))
        if (payloads.includes('safe')) break
      }
    }
    const { client: clean } = await a.login('pump-7', 'pump-7', { clean: true })
    await clean.close()
  })

  test('a policy that ends a kept session while Redis is away ends it as soon as Redis is back', {
    timeout: 60_000,
  }, async () => {
    const policies = await mkdtemp(join(folder, 'edited-'))
    await cp(join(folder, 'policies'), policies, { recursive: true })
    const events: TraceEvent[] = []
    const a = await node(events, policies)
    const { client: pump } = await a.login('pump-7', 'pump-7', { clean: false })
    expect(await subscribeAt(pump, 1, command)).toEqual([1])
    await pump.close()
    await redis.stop()
    await rm(join(policies, 'plant.test.yaml'))
    const file = join(policies, 'plant.yaml')
    await writeFile(file, (await readFile(file, 'utf8')).replace('subject.ou: "${site}"', 'subject.ou: "x-${site}"'))
    await a.running.gate.reload()
    const alarms = events.flatMap(event => (event.event === 'alarm' ? [event.problem.code] : []))
    expect(alarms).toContain('bind/not-ended')
    expect(a.running.gate.sessions.keptIds).toEqual(['pump-7'])
    await redis.start()
    while (a.running.gate.sessions.keptIds.length > 0) await setImmediate()
    const b = await node()
    expect(b.running.gate.sessions.keptIds).toEqual([])
  })

  test('a node whose policy differs from that of the others for long says so', async () => {
    let now = 1_000_000
    const [one, other] = [await openCluster(redis.url, () => now), await openCluster(redis.url, () => now)]
    await other.join(idleGate('r2'))
    await one.join(idleGate('r1'))
    expect(one.problem()).toBeUndefined()
    await one.join(idleGate('r1'))
    now += 7_000
    expect(one.problem()).toBeUndefined()
    now += 2_000
    expect(one.problem()?.code).toBe('cluster/redis-away')
    await one.join(idleGate('r1'))
    now += 1_000
    expect(one.problem()).toBeUndefined()
    now += 23_000
    await one.join(idleGate('r1'))
    expect(one.problem()?.code).toBe('cluster/revisions-differ')
    await Promise.all([one.close(), other.close()])
  })

  test('retained messages that cannot be read are told to the operator, and end no node', async () => {
    const admin = new Redis(redis.url)
    await admin.set('retained', 'no hash')
    const alarm = new Promise<TraceEvent>(resolve => {
      const heard = (event: TraceEvent): void => void (event.event === 'alarm' && resolve(event))
      void node(Object.assign([], { push: heard })).then(async ({ login }) => {
        const { client: operator } = await login('ops-1', 'ops-1/desk')
        await subscribeAt(operator, 1, 'plant/s1/#')
      })
    })
    expect(await alarm).toMatchObject({
      problem: { code: 'enforce/broker-error', sentence: expect.stringMatching(/^retained messages cannot be read: /) },
    })
    await admin.del('retained')
    admin.disconnect()
  })

  test('an address where no Redis is stops the start, and no password is told', async () => {
    const refused = await openCluster('redis://user:secret@127.0.0.1:1').catch((error: Error) => error.message)
    expect(refused).toContain('cluster/no-redis: Redis at 127.0.0.1:1 cannot be used (ECONNREFUSED)')
    expect(refused).not.toContain('secret')
  })
})
