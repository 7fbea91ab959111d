/** Subscriptions: what is granted, stored and left alone. */
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
import type { AdapterCase } from './adapter.ts'

const stop = 'plant/s1/pump-7/command/stop'

export const subscriptionCases: readonly AdapterCase[] = [
  {
    name: 'a SUBSCRIBE is answered filter by filter, and the session goes on',
    rules: ['3.2'],
    run: async broker => {
      const pump = await session(broker, 'pump-7')
      expect(await subscribeAt(pump, 1, command, 'plant/s1/pump-8/command/start', '#', stop)).toEqual([1, 128, 128, 1])
      expect(await subscribeAt(pump, 0, 'plant/s1/pump-7/command/+')).toEqual([128])
      await publishOnce(broker, 'ops-1', 'plant/s1/pump-8/command/start', 'not for pump-7')
      await publishOnce(broker, 'ops-1', command, 'marker')
      expect(await upTo(pump, 'marker')).toEqual([])
    },
  },
  {
    name: 'UNSUBSCRIBE ends a subscription',
    rules: ['3.2'],
    run: async broker => {
      const pump = await session(broker, 'pump-7')
      await subscribeAt(pump, 0, command, stop)
      pump.write(bytesOf({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: [command] }))
      expect(await pump.next()).toMatchObject({ cmd: 'unsuback', messageId: 4 })
      await publishOnce(broker, 'ops-1', command, 'gone')
      await publishOnce(broker, 'ops-1', stop, 'marker')
      expect(await upTo(pump, 'marker')).toEqual([])
    },
  },
  {
    name: 'a grant is lowered to the QoS of the policy, and deliveries keep to it, live and retained',
    rules: ['3.2'],
    weaknesses: [28, 29],
    start: {
      policy: yaml =>
        yaml.replace(
          '- subscribe: plant/${site}/${device}/command/${command}',
          '- subscribe: plant/${site}/${device}/command/${command}\n        maxQos: 1',
        ),
    },
    run: async broker => {
      const operator = await session(broker, 'ops-1', 'ops-1/desk')
      const say = async (payload: string, retain: boolean): Promise<void> => {
        operator.write(publishBytes(command, payload, { qos: 2, messageId: 9, retain }))
        expect(await operator.next()).toMatchObject({ cmd: 'pubrec' })
        operator.write(bytesOf({ cmd: 'pubrel', messageId: 9 }))
        expect(await operator.next()).toMatchObject({ cmd: 'pubcomp' })
      }
      await say('retained', true)
      const pump = await session(broker, 'pump-7')
      expect(await subscribeAt(pump, 2, command)).toEqual([1])
      expect(await nextMessage(pump)).toMatchObject({ qos: 1, retain: true })
      await say('live', false)
      expect(await nextMessage(pump)).toMatchObject({ qos: 1, retain: false })
      expect(await subscribeAt(pump, 0, command)).toEqual([0])
      expect(await nextMessage(pump)).toMatchObject({ qos: 0, retain: true })
      await say('live', false)
      expect(await nextMessage(pump)).toMatchObject({ qos: 0, retain: false })
    },
  },
  {
    name: 'queued messages keep to the QoS that was granted',
    rules: ['3.2', '3.8'],
    weaknesses: [29],
    run: async broker => {
      const kept = await session(broker, 'pump-7', 'pump-7', { clean: false })
      expect(await subscribeAt(kept, 1, command)).toEqual([1])
      await kept.close()
      const operator = await session(broker, 'ops-1', 'ops-1/desk')
      operator.write(publishBytes(command, 'queued', { qos: 2, messageId: 9 }))
      expect(await operator.next()).toMatchObject({ cmd: 'pubrec' })
      const back = await session(broker, 'pump-7', 'pump-7', { clean: false })
      expect(await nextMessage(back)).toMatchObject({ qos: 1 })
    },
  },
  {
    name: 'a refused SUBSCRIBE leaves an earlier one to the same filter as it was',
    rules: ['3.2'],
    needs: ['limits'],
    start: { limits: { subscriptions: 2 } },
    run: async broker => {
      const pump = await session(broker, 'pump-7', 'pump-7', { clean: false })
      expect(await subscribeAt(pump, 1, command, stop)).toEqual([1, 1])
      expect(await subscribeAt(pump, 1, 'plant/s1/pump-7/command/setpoint', command)).toEqual([128, 1])
      await publishOnce(broker, 'ops-1', command, 'live')
      expect(String((await nextMessage(pump)).payload)).toBe('live')
      await roundTrip(pump)
      await pump.close()
      await publishOnce(broker, 'ops-1', command, 'queued')
      const back = await session(broker, 'pump-7', 'pump-7', { clean: false })
      expect(String((await nextMessage(back)).payload)).toBe('queued')
    },
  },
  {
    name: 'a filter that is too wide is narrowed by delivery where the policy says so, live, retained and queued',
    rules: ['3.3', '3.4', '3.8'],
    start: { policy: yaml => yaml.replace('onBroadSubscribe: refuse', 'onBroadSubscribe: narrow') },
    run: async broker => {
      const other = 'plant/s1/pump-8/command/start'
      await publishOnce(broker, 'ops-1', other, 'retained for pump-8', { retain: true })
      const pump = await session(broker, 'pump-7', 'pump-7', { clean: false })
      expect(await subscribeAt(pump, 1, 'plant/#', '$SYS/#')).toEqual([1, 128])
      await publishOnce(broker, 'ops-1', other, 'for pump-8')
      await publishOnce(broker, 'ops-1', command, 'live')
      expect(await upTo(pump, 'live')).toEqual([])
      await roundTrip(pump)
      await pump.close()
      await publishOnce(broker, 'ops-1', other, 'for pump-8')
      await publishOnce(broker, 'ops-1', command, 'queued')
      const back = await session(broker, 'pump-7', 'pump-7', { clean: false })
      expect(await upTo(back, 'queued')).toEqual([])
    },
  },
  {
    name: 'a shared subscription is refused, and is not one to the topic `$share/…` either',
    rules: ['3.5'],
    weaknesses: [9],
    run: async broker => {
      const operator = await session(broker, 'ops-1', 'ops-1/desk')
      expect(await subscribeAt(operator, 0, '$share/group/plant/s1/#', '$share/group/+', '$share')).toEqual([
        128, 128, 128,
      ])
      const pump = await session(broker, 'pump-7')
      // a wide filter in the group's clothes: hand-written prefix checks look at the wrong end
      expect(await subscribeAt(pump, 0, 'plant/s1/pump-7/command/#')).toEqual([128])
    },
  },
  {
    name: '# and + see no $ topic, live, retained or queued',
    rules: ['3.4', '3.8'],
    weaknesses: [10],
    start: {
      policy: yaml =>
        yaml
          .replace('- subscribe: "plant/#"', '- subscribe: ["#", "$fleet/#"]')
          .replace(
            '- publish: plant/${sites}/+/command/${command}',
            '- publish: ["$fleet/${sites}/note", "plant/${sites}/+/command/${command}"]',
          ),
    },
    run: async broker => {
      await publishOnce(broker, 'ops-1', '$fleet/s1/note', 'retained', { retain: true })
      const auditor = await session(broker, 'audit-1', 'audit-1/desk', { clean: false })
      expect(await subscribeAt(auditor, 1, '#')).toEqual([1])
      await publishOnce(broker, 'ops-1', '$fleet/s1/note', 'live')
      await publishOnce(broker, 'pump-7', own, 'marker')
      expect(await upTo(auditor, 'marker')).toEqual([])
      await roundTrip(auditor)
      await auditor.close()
      await publishOnce(broker, 'ops-1', '$fleet/s1/note', 'queued')
      await publishOnce(broker, 'pump-7', own, 'marker')
      const back = await session(broker, 'audit-1', 'audit-1/desk', { clean: false })
      expect(await upTo(back, 'marker')).toEqual([])
      expect(await subscribeAt(back, 1, '$fleet/#')).toEqual([1])
      expect(String((await nextMessage(back)).payload)).toBe('retained')
    },
  },
  {
    name: 'nobody publishes to $SYS, and nobody without a rule of its own listens there',
    rules: ['3.1', '3.2'],
    run: async broker => {
      const auditor = await session(broker, 'audit-1', 'audit-1/desk')
      expect(await subscribeAt(auditor, 0, '$SYS/#', '$SYS/+/new/clients')).toEqual([128, 128])
      const line = await session(broker, 'line-1')
      expect(await line.publish('$SYS/x/new/clients', 'pump-7')).toBe('closed')
    },
  },
  {
    name: 'hooks that the host assigns later permit nothing that the policy does not',
    rules: ['3.1', '3.2'],
    weaknesses: [30],
    needs: ['host-hooks'],
    run: async broker => {
      await broker.assignHooks('permissive')
      const pump = await session(broker, 'pump-7')
      expect(await subscribeAt(pump, 0, '#')).toEqual([128])
      expect(await pump.publish('plant/s1/pump-8/telemetry/t')).toBe('closed')
      expect((await broker.connect('pump-8', 'pump-7')).code).not.toBe(0)
    },
  },
]
