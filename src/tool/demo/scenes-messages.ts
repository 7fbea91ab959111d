/** Scenes about messages: every QoS, retained ones, refused ones, and what comes right behind them. */
import type { Packet } from 'mqtt-packet'
import { firstSeen, own, publishBytes, publishes, says, subscribes, watched } from './acts.ts'
import { nextPayload, type Scene, within } from './scene.ts'

const state = 'plant/s1/pump-8/state'
const command = 'plant/s1/pump-7/command/setpoint'

export const messageScenes: readonly Scene[] = [
  {
    name: 'a command at QoS 2, all four packets of it',
    expected: 'PUBREC, PUBCOMP, arrives: 41',
    run: async world => {
      const { client: pump } = await world.connect('pump-7')
      await pump.subscribe(command)
      const { client } = await world.connect('ops-1', 'ops-1/desk')
      client.write(publishBytes(command, '41', { qos: 2, messageId: 4 }))
      const received = await within(client.next(), 'nothing')
      client.send({ cmd: 'pubrel', messageId: 4 } as Packet)
      const completed = await within(client.next(), 'nothing')
      const seen = await nextPayload(pump)
      await Promise.all([client.close(), pump.close()])
      const told = [received, completed].map(one => (typeof one === 'object' ? one.cmd.toUpperCase() : one))
      return `${told.join(', ')}, arrives: ${seen}`
    },
  },
  {
    name: 'a refused publish that is repeated (DUP), so that its device gets over it',
    expected: 'acknowledged',
    run: publishes('pump-7', 'plant/s1/pump-8/telemetry/temp', { dup: true }),
  },
  {
    name: 'it reaches nobody all the same',
    expected: 'nothing arrives',
    run: world =>
      watched(world, 'ops-1', () => says(world, 'pump-7', 'plant/s1/pump-8/telemetry/temp', 'x', { dup: true })),
  },
  {
    name: 'a retained state waits for who subscribes later',
    expected: 'arrives: on',
    run: async world => {
      await says(world, 'line-1', state, 'on', { retain: true })
      return firstSeen(world, 'ops-1', 'plant/s1/#')
    },
  },
  {
    name: 'pump-7 clears it: denied, and it stays',
    expected: 'arrives: on',
    run: async world => {
      await says(world, 'pump-7', state, '', { retain: true })
      return firstSeen(world, 'ops-1', 'plant/s1/#')
    },
  },
  {
    name: 'line-1 clears it',
    expected: 'nothing arrives',
    run: async world => {
      await says(world, 'line-1', state, '', { retain: true })
      return firstSeen(world, 'ops-1', 'plant/s1/#')
    },
  },
  {
    name: 'one SUBSCRIBE, one filter of its own and one of pump-8',
    expected: 'granted, refused',
    run: subscribes('pump-7', 'pump-7', command, 'plant/s1/pump-8/command/setpoint'),
  },
  {
    name: 'an auditor of plant/# sees no command, and what comes right behind it',
    expected: 'nothing arrives',
    run: world => watched(world, 'audit-1', () => says(world, 'ops-1', command, 'secret command')),
  },
  {
    name: 'nor one that was retained',
    expected: 'nothing arrives',
    run: async world => {
      await says(world, 'ops-1', command, 'secret command', { retain: true })
      const seen = await firstSeen(world, 'audit-1', 'plant/#')
      await says(world, 'ops-1', command, '', { retain: true })
      return seen
    },
  },
  {
    name: 'an auditor looks into $SYS',
    expected: 'refused',
    run: subscribes('audit-1', 'audit-1/look', '$SYS/#'),
  },
  { name: 'a topic with a wildcard', expected: 'closed', run: publishes('pump-7', 'plant/s1/pump-7/telemetry/+') },
  {
    name: 'a topic with a NUL',
    expected: 'closed',
    run: async world => {
      const { client } = await world.connect('pump-7')
      const bytes = publishBytes(`${own}!`, 'x', { qos: 1, messageId: 3 })
      bytes[bytes.indexOf('!')] = 0
      client.write(bytes)
      const answer = await within(client.next(), 'no answer')
      await client.close()
      return typeof answer === 'object' ? 'acknowledged' : 'closed'
    },
  },
  {
    name: 'a filter with + in a part of a level',
    expected: 'closed',
    run: subscribes('pump-7', 'pump-7', 'plant/s1/pump-7/command/+t'),
  },
  {
    name: 'a message of 300 kB',
    expected: 'closed',
    run: async world => {
      const { client } = await world.connect('pump-7')
      const seen = await within(client.publish(own, 'x'.repeat(300_000)), 'no answer')
      await client.close()
      return seen
    },
  },
  {
    name: 'a subscriber that stops reading holds up nobody else',
    expected: '300 of 300 arrive',
    run: async world => {
      const { client: stuck } = await world.connect('ops-1', 'ops-1/stuck')
      stuck.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'plant/s1/#', qos: 1 }] } as Packet)
      await stuck.next()
      stuck.socket.pause()
      const { client: good } = await world.connect('ops-1', 'ops-1/good')
      await good.subscribe(own)
      const { client: pump } = await world.connect('pump-7')
      let arrived = 0
      for (; arrived < 300; arrived++) {
        pump.write(publishBytes(own, 'x'.repeat(60_000)))
        if ((await nextPayload(good)).length !== 60_000) break
      }
      await Promise.all([stuck.close(), good.close(), pump.close()])
      return `${arrived} of 300 arrive`
    },
  },
]
