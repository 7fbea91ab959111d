/** Acts that scenes are made of. */
import mqttPacket from 'mqtt-packet'
import { nextPayload, type Scene, within } from './scene.ts'
import type { World } from './world.ts'

/** What pump-7 measures. */
export const own = 'plant/s1/pump-7/telemetry/temp'

/** Connects, publishes at QoS 1 (or as said) and tells `acknowledged` or `closed`. */
export function publishes(name: string, topic: string, options: Record<string, unknown> = {}): Scene['run'] {
  return async world => {
    const { client } = await world.connect(name, name === 'ops-1' ? 'ops-1/demo' : name)
    const seen = await within(client.publish(topic, 'x', options), 'no answer')
    await client.close()
    return seen
  }
}

/** Connects, subscribes and tells what each filter was granted. */
export function subscribes(name: string, clientId: string, ...filters: string[]): Scene['run'] {
  return async world => {
    const { client } = await world.connect(name, clientId)
    const granted = await within(client.subscribe(...filters), 'no answer')
    await client.close()
    return typeof granted === 'string'
      ? granted
      : granted.map(code => (code === 128 ? 'refused' : 'granted')).join(', ')
  }
}

/** An operator or auditor watches while something happens; a marker at the end proves that nothing else came before it. */
export async function watched(world: World, watcher: string, act: (world: World) => Promise<void>): Promise<string> {
  const { client } = await world.connect(watcher, `${watcher}/watch`)
  await client
    .subscribe('plant/#')
    .then(granted => (granted === 'closed' || granted[0] === 128 ? client.subscribe('plant/s1/#') : granted))
  await act(world)
  const { client: pump } = await world.connect('pump-7')
  await pump.publish(own, 'marker')
  const seen = await nextPayload(client)
  await Promise.all([client.close(), pump.close()])
  return seen === 'marker' ? 'nothing arrives' : `arrives: ${seen}`
}

export function connectBytes(clientId: string): Buffer {
  return mqttPacket.generate({
    cmd: 'connect',
    clientId,
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 0,
  })
}

export function publishBytes(topic: string, payload: string, extra: Record<string, unknown> = {}): Buffer {
  return mqttPacket.generate({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false, ...extra })
}

/** Connects and publishes once at QoS 1, then goes. */
export async function says(
  world: World,
  name: string,
  topic: string,
  payload: string,
  options: Record<string, unknown> = {},
): Promise<void> {
  const { client } = await world.connect(name, name === 'ops-1' ? 'ops-1/demo' : name)
  await within(client.publish(topic, payload, options), 'no answer')
  await client.close()
}

/** What a session that subscribes now is sent first; a marker on its own topic proves that nothing came before it. */
export async function firstSeen(world: World, watcher: string, filter: string): Promise<string> {
  const { client } = await world.connect(watcher, `${watcher}/look`)
  await within(client.subscribe(filter), 'no answer')
  await says(world, 'pump-7', own, 'marker')
  const seen = await nextPayload(client)
  await client.close()
  return seen === 'marker' ? 'nothing arrives' : `arrives: ${seen}`
}
