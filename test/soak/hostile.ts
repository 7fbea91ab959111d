/** What hostile devices do, again and again; each act ends its own connections. */
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Packet } from 'mqtt-packet'
import { anyPacket } from '../fuzz/packets.ts'
import type { Random } from '../fuzz/random.ts'
import { connectBytes, publishBytes } from '../suites/acts.ts'
import { type Credentials, RawClient } from '../support/raw-client.ts'

export interface Target {
  readonly port: number
  readonly as: (name: string) => Promise<Credentials>
}

type Act = (target: Target, random: Random) => Promise<void>

const login = async ({ port, as }: Target, name: string, clientId = name): Promise<RawClient> =>
  (await RawClient.connect(port, await as(name), clientId)).client

/** Waits for the close, but not for ever. */
const leave = async (client: RawClient): Promise<void> => {
  await Promise.race([client.closed, setTimeout(200)])
  await client.close()
}

/** Whether an act ended because its connection was ended: by the broker, or by another of these that took over. */
export function isConnectionEnd(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ECONNRESET'
}

const foreign = 'plant/s1/pump-7/telemetry/temp'

export const acts: Readonly<Record<string, Act>> = {
  'a borrowed client id, with packets behind it': async (target, random) => {
    const client = await RawClient.open(target.port, await target.as('pump-8'))
    client.write(Buffer.concat([connectBytes('pump-7'), publishBytes(foreign, 'forged'), anyPacket(random)]))
    await leave(client)
  },
  'a publish as another device': async target => {
    const client = await login(target, 'pump-8')
    client.write(publishBytes(foreign, 'forged', { qos: 1, messageId: 1, dup: true }))
    client.write(publishBytes(foreign, 'forged', { retain: true }))
    await leave(client)
  },
  'a session of injured packets': async (target, random) => {
    const client = await login(target, 'pump-8')
    for (let count = 0; count < 20; count++) client.write(random.injure(anyPacket(random)))
    await leave(client)
  },
  noise: async (target, random) => {
    const client = await RawClient.open(target.port, await target.as('pump-9'))
    client.write(random.bytes(2000))
    await leave(client)
  },
  'an intruder': async target => {
    const client = await RawClient.open(target.port, await target.as('intruder')).catch(() => undefined)
    if (client !== undefined) await leave(client)
  },
  'a subscriber that stops reading': async target => {
    const client = await login(target, 'audit-1', 'audit-1/stuck')
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'plant/#', qos: 1 }] } as Packet)
    await client.next()
    client.socket.pause()
    await setTimeout(3000)
    await client.close()
  },
  'a flood of its own': async target => {
    const client = await login(target, 'pump-9')
    const many = Buffer.concat(
      Array.from({ length: 500 }, (_, n) => publishBytes('plant/s2/pump-9/telemetry/t', String(n))),
    )
    for (let count = 0; count < 10; count++) {
      client.write(many)
      if (client.socket.writableNeedDrain) await Promise.race([once(client.socket, 'drain'), client.closed])
    }
    await leave(client)
  },
  'a kept session that is filled and left': async target => {
    const { client } = await RawClient.connect(target.port, await target.as('ops-1'), 'ops-1/kept', { clean: false })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'plant/s2/#', qos: 1 }] } as Packet)
    await client.next()
    await client.close()
    const pump = await login(target, 'pump-9')
    for (let n = 0; n < 1500; n++) {
      pump.write(publishBytes('plant/s2/pump-9/telemetry/t', 'x'.repeat(500), { qos: 1, messageId: n + 1 }))
    }
    await leave(pump)
  },
  'log-ins in a storm': async target => {
    const clients = await Promise.all(
      Array.from({ length: 10 }, async () => RawClient.open(target.port, await target.as('pump-8'))),
    )
    for (const client of clients) client.write(connectBytes('pump-8'))
    await Promise.all(clients.map(leave))
  },
  'a packet that never ends': async target => {
    const client = await login(target, 'pump-8')
    client.write(publishBytes(foreign, 'x'.repeat(100_000)).subarray(0, 90_000))
    await leave(client)
  },
}
