/** The scenes, honest and hostile, in the order in which they are played: log-in and topics here, the rest beside. */
import { setTimeout } from 'node:timers/promises'
import { connectBytes, own, publishBytes, publishes, subscribes, watched } from './acts.ts'
import { RawClient } from './raw-client.ts'
import { nextPayload, type Scene, tellConnect, within } from './scene.ts'
import { messageScenes } from './scenes-messages.ts'
import { sessionScenes } from './scenes-sessions.ts'

export const scenes: readonly Scene[] = [
  {
    name: 'an operator sees what pump-7 measures',
    expected: 'arrives: marker',
    run: async world => {
      const { client } = await world.connect('ops-1', 'ops-1/watch')
      await client.subscribe('plant/s1/#')
      const { client: pump } = await world.connect('pump-7')
      await pump.publish(own, 'marker')
      const seen = await nextPayload(client)
      await Promise.all([client.close(), pump.close()])
      return `arrives: ${seen}`
    },
  },
  {
    name: 'a command reaches pump-7',
    expected: 'arrives: 40',
    run: async world => {
      const { client: pump } = await world.connect('pump-7')
      await pump.subscribe('plant/s1/pump-7/command/setpoint')
      const { client } = await world.connect('ops-1', 'ops-1/desk')
      await client.publish('plant/s1/pump-7/command/setpoint', '40')
      const seen = await nextPayload(pump)
      await Promise.all([client.close(), pump.close()])
      return `arrives: ${seen}`
    },
  },
  {
    name: 'line-1, a gateway, publishes for its child pump-8',
    expected: 'acknowledged',
    run: publishes('line-1', 'plant/s1/pump-8/telemetry/temp'),
  },
  {
    name: 'pump-7 publishes as pump-8',
    expected: 'closed',
    run: publishes('pump-7', 'plant/s1/pump-8/telemetry/temp'),
  },
  {
    name: 'pump-9 of site s2 publishes into site s1',
    expected: 'closed',
    run: publishes('pump-9', 'plant/s1/pump-9/telemetry/temp'),
  },
  { name: 'pump-7 subscribes to everything', expected: 'refused', run: subscribes('pump-7', 'pump-7', '#') },
  {
    name: 'pump-7 subscribes to more commands than it has',
    expected: 'refused',
    run: subscribes('pump-7', 'pump-7', 'plant/s1/pump-7/command/#'),
  },
  {
    name: 'pump-7 joins a shared subscription',
    expected: 'refused',
    run: subscribes('pump-7', 'pump-7', '$share/g/plant/s1/pump-7/command/start'),
  },
  {
    name: 'ops-1 subscribes beyond its sites',
    expected: 'refused',
    run: subscribes('ops-1', 'ops-1/demo', 'plant/+/pump-7/#'),
  },
  {
    name: 'pump-8 takes the client id of pump-7',
    expected: 'refused',
    run: world => tellConnect(world.connect('pump-8', 'pump-7')),
  },
  {
    name: 'pump-7 with an empty client id',
    expected: 'refused',
    run: world => tellConnect(world.connect('pump-7', '')),
  },
  {
    name: 'pump-8 takes it in MQTT 3.1',
    expected: 'refused',
    run: world => tellConnect(world.connect('pump-8', 'pump-7', { protocolId: 'MQIsdp', protocolVersion: 3 })),
  },
  {
    name: 'a person without a tool name',
    expected: 'refused',
    run: world => tellConnect(world.connect('ops-1', 'ops-1/')),
  },
  {
    name: 'nobody: no certificate',
    expected: 'refused',
    run: async world => {
      const { ca } = await world.credentials('pump-7')
      return tellConnect(RawClient.connect(world.port(), { ca }, 'pump-7'))
    },
  },
  {
    name: "an intruder: pump-7's name, a foreign CA",
    expected: 'refused',
    run: world => tellConnect(world.connect('intruder', 'pump-7')),
  },
  {
    name: 'pump-5, whose certificate is revoked',
    expected: 'refused',
    run: world => tellConnect(world.connect('pump-5')),
  },
  {
    name: 'packets behind the CONNECT of a borrowed client id',
    expected: 'nothing arrives',
    run: world =>
      watched(world, 'ops-1', async () => {
        const client = await RawClient.open(world.port(), await world.credentials('pump-8'))
        // spread over a few turns, so that it meets the broker while it looks something up
        client.write(connectBytes('pump-7'))
        for (let turn = 0; turn < 8; turn++) {
          await setTimeout(2)
          client.write(publishBytes('plant/s1/pump-8/telemetry/temp', 'forged'))
        }
        await within(client.closed, 'still open')
      }),
  },
  {
    name: 'secret telemetry, denied inside what its device may publish',
    expected: 'nothing arrives',
    run: world =>
      watched(world, 'audit-1', async () => {
        await publishes('pump-7', 'plant/s1/pump-7/telemetry/secret/code')(world)
      }),
  },
  { name: 'its parent level', expected: 'closed', run: publishes('pump-7', 'plant/s1/pump-7/telemetry/secret') },
  {
    name: 'a retained message where the rule says retain: false',
    expected: 'closed',
    run: publishes('pump-7', own, { retain: true }),
  },
  {
    name: 'QoS 2 where the rule says maxQos: 1',
    expected: 'closed',
    run: async world => {
      const { client } = await world.connect('pump-7')
      client.send({ cmd: 'publish', topic: own, payload: 'x', qos: 2, messageId: 3, dup: false, retain: false })
      const answer = await within(client.next(), 'no answer')
      await client.close()
      return typeof answer === 'object' && answer?.cmd === 'pubrec' ? 'acknowledged' : 'closed'
    },
  },
  {
    name: 'a command that is not on the list',
    expected: 'closed',
    run: publishes('ops-1', 'plant/s1/pump-7/command/explode'),
  },
  { name: 'publishing to $SYS', expected: 'closed', run: publishes('pump-7', '$SYS/broker/clients') },
  {
    name: "a will to another device's topic",
    expected: 'refused',
    run: world =>
      tellConnect(
        world.connect('pump-7', 'pump-7', {
          will: { topic: 'plant/s1/pump-8/telemetry/temp', payload: 'gone', qos: 0, retain: false },
        }),
      ),
  },
  {
    name: 'a connection that never says CONNECT',
    expected: 'closed',
    run: async world => {
      const client = await RawClient.open(world.port(), await world.credentials('pump-7'))
      const seen = await within(
        client.closed.then(() => 'closed'),
        'still open',
      )
      await client.close()
      return seen
    },
  },
  {
    name: 'CONNECT and two bytes of nonsense in one segment',
    expected: 'the broker lives',
    run: async world => {
      const client = await RawClient.open(world.port(), await world.credentials('pump-7'))
      client.write(Buffer.concat([connectBytes('pump-7'), Buffer.from([0, 0])]))
      await within(client.closed, 'still open')
      const next = await tellConnect(world.connect('pump-8'))
      return (await world.isAlive()) && next === 'connected' ? 'the broker lives' : 'the broker ended'
    },
  },
  ...messageScenes,
  ...sessionScenes,
]
