/** Messages: publishes at every QoS, permitted and refused, and deliveries, live and retained. */
import { expect } from 'vitest'
import {
  bytesOf,
  command,
  nextMessage,
  own,
  publishBytes,
  publishOnce,
  roundTrip,
  session,
  subscribeAt,
  upTo,
} from './acts.ts'
import type { AdapterCase, RunningBroker } from './adapter.ts'

const foreign = 'plant/s1/pump-8/telemetry/temp'
const drop = (yaml: string): string => yaml.replace('onDeniedPublish: disconnect', 'onDeniedPublish: drop')
const anyQos = (yaml: string): string => yaml.replace('        maxQos: 1\n', '')
const state = 'plant/s1/pump-8/state'

/** An operator who sees everything of s1. */
async function watcherOf(broker: RunningBroker) {
  const watcher = await session(broker, 'ops-1', 'ops-1/watch')
  await subscribeAt(watcher, 2, 'plant/s1/#')
  return watcher
}

/** What somebody who subscribes now is sent of the retained messages. */
async function retainedOf(broker: RunningBroker): Promise<readonly string[]> {
  const look = await session(broker, 'ops-1', 'ops-1/look')
  await subscribeAt(look, 0, 'plant/s1/#')
  await publishOnce(broker, 'pump-7', own, 'marker')
  const seen = await upTo(look, 'marker')
  await look.close()
  return seen
}

export const messageCases: readonly AdapterCase[] = [
  {
    name: 'a permitted publish arrives once, at each QoS, with the acknowledgements of the standard',
    rules: ['3.1', '3.6'],
    start: { policy: anyQos },
    run: async broker => {
      const watcher = await watcherOf(broker)
      const pump = await session(broker, 'pump-7')
      pump.write(publishBytes(own, 'qos 0'))
      pump.write(publishBytes(own, 'qos 1', { qos: 1, messageId: 1 }))
      expect(await pump.next()).toMatchObject({ cmd: 'puback', messageId: 1 })
      pump.write(publishBytes(own, 'qos 2', { qos: 2, messageId: 2 }))
      expect(await pump.next()).toMatchObject({ cmd: 'pubrec', messageId: 2 })
      pump.write(publishBytes(own, 'qos 2', { qos: 2, messageId: 2, dup: true }))
      expect(await pump.next()).toMatchObject({ cmd: 'pubrec', messageId: 2 })
      pump.write(bytesOf({ cmd: 'pubrel', messageId: 2 }))
      expect(await pump.next()).toMatchObject({ cmd: 'pubcomp', messageId: 2 })
      await pump.publish(own, 'marker')
      const seen = []
      for (let message = await nextMessage(watcher); ; message = await nextMessage(watcher)) {
        if (String(message.payload) === 'marker') break
        seen.push([String(message.payload), message.qos])
      }
      expect(seen).toEqual([
        ['qos 0', 0],
        ['qos 1', 1],
        ['qos 2', 2],
      ])
    },
  },
  {
    name: 'QoS 2 handshakes that overlap are each completed, and nothing comes again after a reconnect',
    rules: ['3.8'],
    run: async broker => {
      const pump = await session(broker, 'pump-7', 'pump-7', { clean: false })
      await subscribeAt(pump, 2, command)
      const operator = await session(broker, 'ops-1', 'ops-1/desk')
      for (const messageId of [1, 2, 3]) operator.write(publishBytes(command, `${messageId}`, { qos: 2, messageId }))
      for (const _ of [1, 2, 3]) expect(await operator.next()).toMatchObject({ cmd: 'pubrec' })
      const ids = []
      for (const _ of [1, 2, 3]) ids.push((await pump.next())?.messageId as number)
      for (const messageId of ids) pump.write(bytesOf({ cmd: 'pubrec', messageId }))
      for (const messageId of ids) expect(await pump.next()).toMatchObject({ cmd: 'pubrel', messageId })
      for (const messageId of ids) pump.write(bytesOf({ cmd: 'pubcomp', messageId }))
      await roundTrip(pump)
      await pump.close()
      const back = await session(broker, 'pump-7', 'pump-7', { clean: false })
      await operator.publish(command, 'marker')
      expect(await upTo(back, 'marker')).toEqual([])
    },
  },
  {
    name: 'a denied publish closes without an acknowledgement, at each QoS',
    rules: ['3.6'],
    run: async broker => {
      const watcher = await watcherOf(broker)
      for (const qos of [0, 1, 2]) {
        const pump = await session(broker, 'pump-7')
        pump.write(publishBytes(foreign, 'denied', { qos, messageId: 1 }))
        expect(await pump.next()).toBeUndefined()
      }
      await publishOnce(broker, 'pump-7', own, 'marker')
      expect(await upTo(watcher, 'marker')).toEqual([])
    },
  },
  {
    name: '`onDeniedPublish: drop` acknowledges at each QoS, routes nothing and retains nothing',
    rules: ['3.6'],
    weaknesses: [12],
    start: { policy: drop },
    run: async broker => {
      const watcher = await watcherOf(broker)
      const pump = await session(broker, 'pump-7')
      pump.write(publishBytes(foreign, 'denied', { retain: true }))
      pump.write(publishBytes(foreign, 'denied', { qos: 1, messageId: 1, retain: true }))
      expect(await pump.next()).toMatchObject({ cmd: 'puback', messageId: 1 })
      pump.write(publishBytes(foreign, 'denied', { qos: 2, messageId: 2, retain: true }))
      expect(await pump.next()).toMatchObject({ cmd: 'pubrec', messageId: 2 })
      pump.write(bytesOf({ cmd: 'pubrel', messageId: 2 }))
      expect(await pump.next()).toMatchObject({ cmd: 'pubcomp', messageId: 2 })
      expect(await pump.publish(own, 'marker')).toBe('acknowledged')
      expect(await upTo(watcher, 'marker')).toEqual([])
      await pump.close()
      expect(await retainedOf(broker)).toEqual([])
    },
  },
  {
    name: 'a denied publish with DUP is acknowledged and dropped, also where others are closed',
    rules: ['3.6'],
    weaknesses: [12],
    run: async broker => {
      const watcher = await watcherOf(broker)
      const pump = await session(broker, 'pump-7')
      expect(await pump.publish(foreign, 'denied', { dup: true })).toBe('acknowledged')
      pump.write(publishBytes(foreign, 'denied', { qos: 2, messageId: 2, dup: true }))
      expect(await pump.next()).toMatchObject({ cmd: 'pubrec', messageId: 2 })
      pump.write(bytesOf({ cmd: 'pubrel', messageId: 2 }))
      expect(await pump.next()).toMatchObject({ cmd: 'pubcomp', messageId: 2 })
      expect(await pump.publish(own, 'marker')).toBe('acknowledged')
      expect(await upTo(watcher, 'marker')).toEqual([])
    },
  },
  {
    name: 'DUP says that a message is sent once more to its receiver, and nothing of how often its sender sent it',
    rules: ['3.4', '3.6'],
    run: async broker => {
      const connect = { clean: false }
      const first = await session(broker, 'ops-1', 'ops-1/desk', connect)
      await subscribeAt(first, 1, 'plant/s1/#')
      const pump = await session(broker, 'pump-7')
      pump.write(publishBytes(own, 'one', { qos: 1, messageId: 1, dup: true }))
      expect(await pump.next()).toMatchObject({ cmd: 'puback', messageId: 1 })
      const sent = await first.next()
      expect(sent).toMatchObject({ cmd: 'publish', payload: Buffer.from('one'), dup: false })
      // not acknowledged
      await first.close()
      await pump.publish(own, 'two')
      const second = await session(broker, 'ops-1', 'ops-1/desk', connect)
      const messageId = (sent as { messageId: number }).messageId
      expect(await second.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('one'), messageId, dup: true })
      expect(await second.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('two'), dup: false })
    },
  },
  {
    name: 'a retained message is set and cleared by who may, and by nobody else',
    rules: ['3.1', '3.6'],
    run: async broker => {
      await publishOnce(broker, 'line-1', state, 'on', { retain: true })
      expect(await retainedOf(broker)).toEqual(['on'])
      const pump = await session(broker, 'pump-7')
      expect(await pump.publish(state, '', { retain: true })).toBe('closed')
      expect(await retainedOf(broker)).toEqual(['on'])
      await publishOnce(broker, 'line-1', state, '', { retain: true })
      expect(await retainedOf(broker)).toEqual([])
    },
  },
  {
    name: 'characters that stand for others elsewhere stand for themselves: live, queued and retained',
    rules: ['3.2', '3.4'],
    start: { policy: yaml => yaml.replace('        retain: false\n', '') },
    run: async broker => {
      const odd = 'plant/s1/line-1/telemetry/[a-c]*?\\{x}^$.'
      const plain = 'plant/s1/line-1/telemetry/ab'
      const filter = `${odd}/#`
      const desk = await session(broker, 'ops-1', 'ops-1/desk', { clean: false })
      await subscribeAt(desk, 1, filter)
      await desk.close()
      const live = await session(broker, 'ops-1', 'ops-1/live')
      await subscribeAt(live, 1, filter)
      const line = await session(broker, 'line-1')
      for (const topic of [plain, odd, `${odd}/below`])
        expect(await line.publish(topic, topic, { retain: true })).toBe('acknowledged')
      await line.publish(odd, 'marker')
      const both = [odd, `${odd}/below`]
      expect(await upTo(live, 'marker')).toEqual(both)
      expect(await upTo(await session(broker, 'ops-1', 'ops-1/desk', { clean: false }), 'marker')).toEqual(both)
      const later = await session(broker, 'ops-1', 'ops-1/later')
      await subscribeAt(later, 1, filter)
      // what is published now may come before what is retained
      const retained = [await nextMessage(later), await nextMessage(later)].map(({ payload }) => String(payload))
      expect(retained.sort()).toEqual(both)
      await line.publish(odd, 'end')
      expect(await upTo(later, 'end')).toEqual([])
      for (const topic of [plain, ...both]) await line.publish(topic, '', { retain: true })
    },
  },
  {
    name: 'the conditions of a rule hold: maxQos, retain, maxPayloadBytes',
    rules: ['3.1'],
    weaknesses: [12],
    start: { policy: yaml => yaml.replace('        maxQos: 1\n', '        maxQos: 1\n        maxPayloadBytes: 10\n') },
    run: async broker => {
      for (const [payload, extra] of [
        ['x', { qos: 2, messageId: 3 }],
        ['x', { qos: 1, messageId: 3, retain: true }],
        ['x'.repeat(11), { qos: 1, messageId: 3 }],
      ] as const) {
        const pump = await session(broker, 'pump-7')
        pump.write(publishBytes(own, payload, extra))
        expect(await pump.next()).toBeUndefined()
      }
      await publishOnce(broker, 'pump-7', own, 'x'.repeat(10))
    },
  },
  {
    name: '# in a rule covers its parent level, and a deny of # too',
    rules: ['3.1'],
    weaknesses: [27],
    run: async broker => {
      await publishOnce(broker, 'pump-7', 'plant/s1/pump-7/telemetry', 'the parent itself')
      const pump = await session(broker, 'pump-7')
      expect(await pump.publish('plant/s1/pump-7/telemetry/secret', 'the parent of what is denied')).toBe('closed')
    },
  },
  {
    name: 'empty levels are levels, and harm no subscriber',
    rules: ['3.1', '3.4'],
    weaknesses: [14],
    run: async broker => {
      const kept = await session(broker, 'ops-1', 'ops-1/kept', { clean: false })
      await subscribeAt(kept, 1, 'plant/s1/pump-7/telemetry/+')
      await publishOnce(broker, 'pump-7', 'plant/s1/pump-7/telemetry/', 'an empty level')
      await publishOnce(broker, 'pump-7', own, 'marker')
      expect(await upTo(kept, 'marker')).toEqual(['an empty level'])
    },
  },
  {
    name: 'a deny inside a wider subscription cuts what it names, live and retained, and the next message comes',
    rules: ['3.4'],
    run: async broker => {
      const auditor = await session(broker, 'audit-1', 'audit-1/desk')
      await subscribeAt(auditor, 1, 'plant/#')
      const operator = await session(broker, 'ops-1', 'ops-1/desk')
      const line = await session(broker, 'line-1')
      for (let count = 0; count < 20; count++) {
        await operator.publish(command, `cut ${count}`, { retain: true })
        await line.publish(state, `seen ${count}`, { retain: true })
      }
      await line.publish(state, 'marker')
      expect(await upTo(auditor, 'marker')).toEqual(Array.from({ length: 20 }, (_, count) => `seen ${count}`))
      const late = await session(broker, 'audit-1', 'audit-1/late')
      await subscribeAt(late, 0, 'plant/#')
      expect(String((await nextMessage(late)).payload)).toBe('seen 19')
      await line.publish(state, 'marker')
      expect(await upTo(late, 'marker')).toEqual([])
      await roundTrip(late)
    },
  },
]
