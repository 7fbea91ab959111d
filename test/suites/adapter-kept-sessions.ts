/** Kept sessions: owners, queues, and what comes back. */
import { expect } from 'vitest'
import type { RawClient } from '../support/raw-client.ts'
import {
  command,
  nextMessage,
  own,
  publishBytes,
  publishOnce,
  roundTrip,
  secret,
  session,
  subscribeAt,
  upTo,
} from './acts.ts'
import type { AdapterCase, RunningBroker } from './adapter.ts'

const kept = { clean: false }

/** Subscribes a kept session and goes away. */
async function keep(
  broker: RunningBroker,
  name: string,
  clientId: string,
  qos: 1 | 2,
  ...filters: string[]
): Promise<void> {
  const client = await session(broker, name, clientId, kept)
  await subscribeAt(client, qos, ...filters)
  await client.close()
}

/** Logs in again and tells whether a session was present. */
async function resume(
  broker: RunningBroker,
  name: string,
  clientId: string,
  clean = false,
): Promise<{ client: RawClient; isPresent: boolean }> {
  const client = await broker.open(name)
  client.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId, clean, keepalive: 0 } as never)
  const answer = await client.next()
  expect(answer).toMatchObject({ cmd: 'connack', returnCode: 0 })
  return { client, isPresent: (answer as { sessionPresent?: boolean }).sessionPresent === true }
}

/** A policy under which pump-7 and pump-8 may both call themselves `shared`. */
const sharedId = (yaml: string): string =>
  yaml.replace(
    'clientId: "${device}" # so pump-7 connects as pump-7, and as nobody else',
    'clientId: ["${device}", shared]\n    clientIdUnique: vouched',
  )

/** Under the sample plant nobody may publish what auditors may not see. */
const secretsMayBeSaid = (yaml: string): string =>
  yaml.replace('    deny:\n      - publish: plant/+/+/telemetry/secret/#\n', '')

const withoutCommands = (yaml: string): string =>
  yaml.replace('constants:\n  command: [start, stop, setpoint]', 'constants:\n  command: [stop, setpoint]')
const withCommands = (yaml: string): string =>
  yaml.replace('command: [stop, setpoint]', 'command: [start, stop, setpoint]')

export const keptSessionCases: readonly AdapterCase[] = [
  {
    name: 'what was queued comes back once and in order, at QoS 1 and 2, and only to who asks for it',
    rules: ['2.3', '3.8'],
    run: async broker => {
      await keep(broker, 'ops-1', 'ops-1/desk', 1, 'plant/s1/#')
      for (const payload of ['1', '2', '3']) await publishOnce(broker, 'pump-7', own, payload)
      const { client, isPresent } = await resume(broker, 'ops-1', 'ops-1/desk')
      expect(isPresent).toBe(true)
      await publishOnce(broker, 'pump-7', own, 'marker')
      expect(await upTo(client, 'marker')).toEqual(['1', '2', '3'])
      await roundTrip(client)
      await client.close()
      const again = await resume(broker, 'ops-1', 'ops-1/desk')
      await publishOnce(broker, 'pump-7', own, 'marker')
      expect(await upTo(again.client, 'marker')).toEqual([])
    },
  },
  {
    name: 'a clean session ends what was kept',
    rules: ['2.3'],
    run: async broker => {
      await keep(broker, 'ops-1', 'ops-1/desk', 1, 'plant/s1/#')
      await publishOnce(broker, 'pump-7', own, 'queued')
      const clean = await resume(broker, 'ops-1', 'ops-1/desk', true)
      expect(clean.isPresent).toBe(false)
      await clean.client.close()
      const { client, isPresent } = await resume(broker, 'ops-1', 'ops-1/desk')
      expect(isPresent).toBe(false)
      await subscribeAt(client, 1, 'plant/s1/#')
      await publishOnce(broker, 'pump-7', own, 'marker')
      expect(await upTo(client, 'marker')).toEqual([])
    },
  },
  {
    name: 'of a mixed SUBSCRIBE only what was granted is kept',
    rules: ['3.2', '3.8'],
    weaknesses: [7],
    run: async broker => {
      const first = await session(broker, 'pump-7', 'pump-7', kept)
      expect(await subscribeAt(first, 1, command, 'plant/s1/pump-8/command/start')).toEqual([1, 128])
      await first.close()
      await publishOnce(broker, 'ops-1', 'plant/s1/pump-8/command/start', 'for pump-8')
      await publishOnce(broker, 'ops-1', command, 'for pump-7')
      const { client } = await resume(broker, 'pump-7', 'pump-7')
      await publishOnce(broker, 'ops-1', command, 'marker')
      expect(await upTo(client, 'marker')).toEqual(['for pump-7'])
    },
  },
  {
    name: 'a deny inside a wider subscription costs a kept session nothing that it may have, live or queued',
    rules: ['3.4', '3.8'],
    weaknesses: [13],
    run: async broker => {
      const line = await session(broker, 'line-1')
      const flood = async (payloads: readonly string[]): Promise<void> => {
        // in one piece, so that several are under way at once: one that auditors may see, one that they may not, ...
        const pairs = payloads.flatMap((payload, index) => [
          publishBytes('plant/s1/line-1/telemetry/temp', payload, { qos: 1, messageId: 2 * index + 1 }),
          publishBytes(secret, `behind ${payload}`, { qos: 1, messageId: 2 * index + 2 }),
        ])
        line.write(Buffer.concat(pairs))
        for (const _ of pairs) expect(await line.next()).toMatchObject({ cmd: 'puback' })
      }
      const live = await session(broker, 'audit-1', 'audit-1/desk', kept)
      await subscribeAt(live, 1, 'plant/#')
      // more of them than a stream holds
      const names = Array.from({ length: 50 }, (_, index) => String(index))
      await flood(names)
      expect(await upTo(live, '49')).toEqual(names.slice(0, -1))
      await roundTrip(live)
      await live.close()
      await flood(names)
      const { client } = await resume(broker, 'audit-1', 'audit-1/desk')
      expect(await upTo(client, '49')).toEqual(names.slice(0, -1))
    },
    start: { policy: secretsMayBeSaid },
  },
  {
    name: 'what is queued and becomes forbidden is not delivered; what stays allowed is not lost',
    rules: ['3.8', '4.1'],
    needs: ['change-policy'],
    run: async broker => {
      await keep(broker, 'audit-1', 'audit-1/desk', 1, 'plant/#')
      for (const count of [1, 2, 3]) {
        await publishOnce(broker, 'line-1', 'plant/s1/line-1/telemetry/t', `line ${count}`)
        await publishOnce(broker, 'pump-7', own, `pump ${count}`)
      }
      await broker.changePolicy(yaml =>
        yaml.replace('- receive: plant/+/+/telemetry/secret/#', '- receive: plant/+/line-1/telemetry/#'),
      )
      const { client } = await resume(broker, 'audit-1', 'audit-1/desk')
      await publishOnce(broker, 'pump-7', own, 'marker')
      expect(await upTo(client, 'marker')).toEqual(['pump 1', 'pump 2', 'pump 3'])
    },
  },
  {
    name: 'what is published while a queue is being sent comes after it',
    rules: ['5.1'],
    run: async broker => {
      await keep(broker, 'audit-1', 'audit-1/desk', 1, 'plant/#')
      const count = 300
      const pump = await session(broker, 'pump-7')
      for (let n = 1; n <= count; n++) pump.write(publishBytes(own, String(n), { qos: 1, messageId: n }))
      for (let n = 1; n <= count; n++) expect(await pump.next()).toMatchObject({ cmd: 'puback', messageId: n })
      const { client } = await resume(broker, 'audit-1', 'audit-1/desk')
      expect(await pump.publish(own, 'marker')).toBe('acknowledged')
      expect(await upTo(client, 'marker')).toEqual(Array.from({ length: count }, (_, n) => String(n + 1)))
    },
  },
  {
    name: 'a kept subscription that is no longer allowed delivers nothing, and has ended for good',
    rules: ['3.8', '4.1'],
    needs: ['change-policy'],
    run: async broker => {
      await keep(broker, 'pump-7', 'pump-7', 1, command, 'plant/s1/pump-7/command/stop')
      await broker.changePolicy(withoutCommands)
      const { client } = await resume(broker, 'pump-7', 'pump-7')
      await roundTrip(client)
      await client.close()
      await broker.changePolicy(withCommands)
      await publishOnce(broker, 'ops-1', command, 'start')
      await publishOnce(broker, 'ops-1', 'plant/s1/pump-7/command/stop', 'stop')
      const back = await resume(broker, 'pump-7', 'pump-7')
      await publishOnce(broker, 'ops-1', 'plant/s1/pump-7/command/stop', 'marker')
      expect(await upTo(back.client, 'marker')).toEqual(['stop'])
    },
  },
  {
    name: 'a session belongs to its owner while it is kept and while it is live',
    rules: ['2.3'],
    start: { policy: sharedId },
    run: async broker => {
      const live = await session(broker, 'pump-7', 'shared', kept)
      expect((await broker.connect('pump-8', 'shared')).code).toBe(5)
      await roundTrip(live)
      await live.close()
      expect((await broker.connect('pump-8', 'shared', kept)).code).toBe(5)
      expect((await resume(broker, 'pump-7', 'shared')).client).toBeDefined()
    },
  },
  {
    name: 'a session whose owner is nobody any more is ended, and another begins anew',
    rules: ['2.3', '4.1'],
    needs: ['change-policy'],
    start: { policy: sharedId },
    run: async broker => {
      await keep(broker, 'pump-7', 'shared', 1, command)
      await broker.changePolicy(yaml =>
        yaml.replace('except: { subject.ou: staff }', 'except: [{ subject.ou: staff }, { subject.cn: pump-7 }]'),
      )
      const { isPresent } = await resume(broker, 'pump-8', 'shared')
      expect(isPresent).toBe(false)
    },
  },
  {
    name: 'the same identity takes over its live session, subscriptions and all',
    rules: ['2.4'],
    run: async broker => {
      const first = await session(broker, 'pump-7', 'pump-7', kept)
      await subscribeAt(first, 1, command)
      const { client, isPresent } = await resume(broker, 'pump-7', 'pump-7')
      await first.closed
      expect(isPresent).toBe(true)
      await publishOnce(broker, 'ops-1', command, 'go')
      expect(String((await nextMessage(client)).payload)).toBe('go')
    },
  },
  {
    name: 'limit keepAliveSeconds: `onTakeover: refuse` keeps the session that is there, until its capped keep-alive runs out',
    rules: ['2.4'],
    needs: ['limits'],
    start: {
      policy: yaml => yaml.replace('onTakeover: replace', 'onTakeover: refuse'),
      limits: { keepAliveSeconds: 1 },
    },
    run: async broker => {
      const first = await session(broker, 'pump-7', 'pump-7', { keepalive: 0 })
      expect((await broker.connect('pump-7')).code).toBe(2)
      await roundTrip(first)
      await first.closed
      expect((await broker.connect('pump-7')).code).toBe(0)
    },
  },
  {
    name: 'maxSessions counts live and kept sessions',
    rules: ['2.4'],
    start: { policy: yaml => yaml.replace('membersOnly: true', 'maxSessions: 2\n    membersOnly: true') },
    run: async broker => {
      await session(broker, 'ops-1', 'ops-1/a')
      await keep(broker, 'ops-1', 'ops-1/b', 1, 'plant/s1/#')
      expect((await broker.connect('ops-1', 'ops-1/c')).code).toBe(3)
      expect((await broker.connect('ops-1', 'ops-1/b')).code).toBe(0)
    },
  },
  {
    name: 'a right that is taken away while messages flow: nothing forbidden afterwards, live, retained or queued, and nothing allowed lost',
    rules: ['3.4', '3.8', '4.1'],
    needs: ['change-policy'],
    start: { policy: yaml => yaml.replace('        retain: false\n', '') },
    run: async broker => {
      await keep(broker, 'audit-1', 'audit-1/kept', 1, 'plant/#')
      const live = await session(broker, 'audit-1', 'audit-1/live', kept)
      await subscribeAt(live, 1, 'plant/#')
      const line = await session(broker, 'line-1')
      const pump = await session(broker, 'pump-7')
      const publish = async (phase: string): Promise<void> => {
        for (let count = 0; count < 100; count++) {
          await line.publish('plant/s1/line-1/telemetry/t', `line ${phase} ${count}`, { retain: count === 99 })
          await pump.publish(own, `pump ${phase} ${count}`)
        }
      }
      await publish('before')
      await broker.changePolicy(yaml =>
        yaml.replace('- receive: plant/+/+/telemetry/secret/#', '- receive: plant/+/line-1/telemetry/#'),
      )
      const watched = upTo(live, 'marker')
      await publish('after')
      await pump.publish(own, 'marker')
      const expected = [...Array(100).keys()].flatMap(count => [`pump before ${count}`, `pump after ${count}`])
      const seenLive = await watched
      expect(seenLive.filter(payload => payload.startsWith('line after'))).toEqual([])
      expect(seenLive.filter(payload => payload.startsWith('pump')).toSorted()).toEqual(expected.toSorted())
      const { client } = await resume(broker, 'audit-1', 'audit-1/kept')
      expect((await upTo(client, 'marker')).toSorted()).toEqual(expected.toSorted())
      const fresh = await session(broker, 'audit-1', 'audit-1/fresh')
      await subscribeAt(fresh, 0, 'plant/#')
      pump.write(publishBytes(own, 'marker'))
      expect(await upTo(fresh, 'marker')).toEqual([])
    },
  },
  {
    name: 'a QoS 2 publish that is repeated after a reconnect is delivered once',
    rules: ['3.1'],
    start: { policy: yaml => yaml.replace('        maxQos: 1\n', '') },
    run: async broker => {
      const watcher = await session(broker, 'ops-1', 'ops-1/watch')
      await subscribeAt(watcher, 0, 'plant/s1/#')
      const pump = await session(broker, 'pump-7', 'pump-7', kept)
      pump.write(publishBytes(own, 'once', { qos: 2, messageId: 5 }))
      expect(await pump.next()).toMatchObject({ cmd: 'pubrec', messageId: 5 })
      await pump.close()
      const { client } = await resume(broker, 'pump-7', 'pump-7')
      client.write(publishBytes(own, 'once', { qos: 2, messageId: 5, dup: true }))
      expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 5 })
      client.send({ cmd: 'pubrel', messageId: 5 } as never)
      expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 5 })
      await client.publish(own, 'marker')
      expect(await upTo(watcher, 'marker')).toEqual(['once'])
    },
  },
]
