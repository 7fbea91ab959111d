/** Acts that cases are made of. A negative is proved by a marker that is sent behind it, never by waiting. */
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet'
import { expect } from 'vitest'
import type { RawClient } from '../support/raw-client.ts'
import type { RunningBroker } from './adapter.ts'

/** A topic that pump-7 may publish on, and ops-1 and audit-1 may see. */
export const own = 'plant/s1/pump-7/telemetry/temp'
/** One that ops-1 may see and audit-1 may not (a receive deny inside its wider subscription). */
export const secret = 'plant/s1/line-1/telemetry/secret/x'
/** A topic that pump-7 may subscribe to, and ops-1 may publish on. */
export const command = 'plant/s1/pump-7/command/start'

/** A bound session, or a failed expectation. */
export async function session(
  broker: RunningBroker,
  name: string,
  clientId?: string,
  connect: Record<string, unknown> = {},
): Promise<RawClient> {
  const { client, code } = await broker.connect(name, clientId, connect)
  expect(code).toBe(0)
  return client
}

export const connectBytes = (clientId: string, extra: Record<string, unknown> = {}): Buffer =>
  bytesOf({ cmd: 'connect', clientId, protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0, ...extra })

export const bytesOf = (packet: Record<string, unknown>): Buffer => mqttPacket.generate(packet as unknown as Packet)

export const publishBytes = (topic: string, payload: string, extra: Record<string, unknown> = {}): Buffer =>
  bytesOf({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false, ...extra })

/** Subscribes at a QoS and tells what was granted. */
export async function subscribeAt(
  client: RawClient,
  qos: 0 | 1 | 2,
  ...filters: readonly string[]
): Promise<readonly number[]> {
  client.send({ cmd: 'subscribe', messageId: 11, subscriptions: filters.map(topic => ({ topic, qos })) } as Packet)
  const answer = await client.next()
  expect(answer).toMatchObject({ cmd: 'suback', messageId: 11 })
  return (answer as { granted: number[] }).granted
}

/** The next message; acknowledges it as its QoS demands. */
export async function nextMessage(client: RawClient): Promise<IPublishPacket> {
  for (;;) {
    const packet = await client.next()
    if (packet === undefined) throw new Error('the connection closed where a message was expected')
    if (packet.cmd === 'pubrel') {
      client.send({ cmd: 'pubcomp', messageId: packet.messageId as number } as Packet)
      continue
    }
    expect(packet.cmd).toBe('publish')
    const message = packet as IPublishPacket
    if (message.qos === 1) client.send({ cmd: 'puback', messageId: message.messageId as number } as Packet)
    if (message.qos === 2) client.send({ cmd: 'pubrec', messageId: message.messageId as number } as Packet)
    return message
  }
}

/** Payloads of the messages up to the marker, which somebody else sends. */
export async function upTo(client: RawClient, marker: string): Promise<readonly string[]> {
  const seen: string[] = []
  for (;;) {
    const payload = String((await nextMessage(client)).payload)
    if (payload === marker) return seen
    seen.push(payload)
  }
}

/** pump-7, or another, publishes at QoS 1 and has the acknowledgement. */
export async function publishOnce(
  broker: RunningBroker,
  name: string,
  topic: string,
  payload: string,
  extra: Record<string, unknown> = {},
): Promise<void> {
  const client = await session(broker, name, name === 'ops-1' ? 'ops-1/once' : name)
  expect(await client.publish(topic, payload, extra)).toBe('acknowledged')
  await client.close()
}

/** Waits until the broker has taken everything that this client sent before. */
export async function roundTrip(client: RawClient): Promise<void> {
  client.send({ cmd: 'pingreq' } as Packet)
  expect(await client.next()).toMatchObject({ cmd: 'pingresp' })
}
