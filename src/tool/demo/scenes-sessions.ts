/** Scenes about sessions: kept ones, take-overs, wills by each kind of end. */
import type { Packet } from 'mqtt-packet'
import { connectBytes, own, publishBytes, says, watched } from './acts.ts'
import { RawClient } from './raw-client.ts'
import { nextPayload, type Scene, tellConnect, within } from './scene.ts'
import type { World } from './world.ts'

const command = 'plant/s1/pump-7/command/setpoint'
const kept = { clean: false }

/** A kept session subscribes at QoS 1 and goes; things happen; what it is sent first when it comes back. */
async function away(
  world: World,
  [name, clientId]: readonly [name: string, clientId: string],
  filters: readonly string[],
  meanwhile: () => Promise<void>,
): Promise<string> {
  const { client } = await world.connect(name, clientId, kept)
  client.send({ cmd: 'subscribe', messageId: 3, subscriptions: filters.map(topic => ({ topic, qos: 1 })) } as Packet)
  await within(client.next(), 'no answer')
  await client.close()
  await meanwhile()
  const { client: back } = await world.connect(name, clientId, kept)
  const seen = await nextPayload(back)
  await back.close()
  // and nothing is left of it
  const { client: clean } = await world.connect(name, clientId)
  await clean.close()
  return `arrives: ${seen}`
}

/** pump-7 has a will; it ends in some way. */
function will(end: (pump: RawClient, world: World) => Promise<unknown>, connect: object = {}): Scene['run'] {
  return world =>
    watched(world, 'ops-1', async () => {
      const lastWords = { topic: own, payload: Buffer.from('last words'), qos: 0, retain: false }
      const { client } = await world.connect('pump-7', 'pump-7', { will: lastWords, ...connect })
      await end(client, world)
      await within(client.closed, 'still open')
    })
}

export const sessionScenes: readonly Scene[] = [
  {
    name: 'an operator was away: what was sent meanwhile waits',
    expected: 'arrives: 22.5',
    run: world => away(world, ['ops-1', 'ops-1/away'], ['plant/s1/#'], () => says(world, 'pump-7', own, '22.5')),
  },
  {
    name: 'pump-7 was away, and had also asked for the commands of pump-8',
    expected: 'arrives: its own',
    run: world =>
      away(world, ['pump-7', 'pump-7'], [command, 'plant/s1/pump-8/command/setpoint'], async () => {
        await says(world, 'ops-1', 'plant/s1/pump-8/command/setpoint', 'for pump-8')
        await says(world, 'ops-1', command, 'its own')
      }),
  },
  {
    name: 'an auditor was away: commands are cut from the queue, and nothing else',
    expected: 'arrives: 23.5',
    run: world =>
      away(world, ['audit-1', 'audit-1/away'], ['plant/#'], async () => {
        await says(world, 'ops-1', command, 'secret command')
        await says(world, 'pump-7', own, '23.5')
      }),
  },
  {
    name: 'pump-8 resumes the kept session of pump-7',
    expected: 'refused',
    run: async world => {
      const { client } = await world.connect('pump-7', 'pump-7', kept)
      await client.close()
      const seen = await tellConnect(world.connect('pump-8', 'pump-7', kept))
      const { client: clean } = await world.connect('pump-7')
      await clean.close()
      return seen
    },
  },
  {
    name: 'pump-7 connects again: the older connection ends',
    expected: 'closed',
    run: async world => {
      const { client: older } = await world.connect('pump-7')
      const { client: newer } = await world.connect('pump-7')
      const seen = await within(
        older.closed.then(() => 'closed'),
        'still open',
      )
      await newer.close()
      return seen
    },
  },
  {
    name: 'an MQTT 5 client is told which version to speak, in its own',
    expected: 'reason 0x84',
    run: async world => {
      const client = await RawClient.open(world.port(), await world.credentials('pump-7'))
      const answer = new Promise<Buffer>(resolve => client.socket.once('data', resolve))
      const bytes = connectBytes('pump-7')
      bytes[8] = 5
      client.write(bytes)
      const seen = await within(
        answer.then(data => `reason 0x${(data[3] ?? 0).toString(16)}`),
        'no answer',
      )
      await client.close()
      return seen
    },
  },
  {
    name: 'a will after network loss',
    expected: 'arrives: last words',
    run: will(async pump => pump.socket.destroy()),
  },
  {
    name: 'a will after DISCONNECT',
    expected: 'nothing arrives',
    run: will(async pump => pump.send({ cmd: 'disconnect' } as Packet)),
  },
  {
    name: 'a will after a keep-alive that ran out',
    expected: 'arrives: last words',
    run: will(async () => undefined, { keepalive: 1 }),
  },
  {
    name: 'a will after a take-over',
    expected: 'arrives: last words',
    run: will(async (_pump, world) => (await world.connect('pump-7')).client.close()),
  },
  {
    name: 'a will after a packet that breaks the standard',
    expected: 'arrives: last words',
    run: will(async pump => pump.write(Buffer.of(0, 0))),
  },
  {
    name: 'a will after a denied publish',
    expected: 'arrives: last words',
    run: will(async pump => pump.write(publishBytes('plant/s1/pump-8/telemetry/temp', 'x'))),
  },
  {
    name: 'a will to a topic with a wildcard',
    expected: 'refused',
    run: world =>
      tellConnect(
        world.connect('pump-7', 'pump-7', {
          will: { topic: 'plant/s1/pump-7/telemetry/#', payload: 'gone', qos: 0, retain: false },
        }),
      ),
  },
]
