import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Plant, startPlant } from '../support/plant.ts'
import { RawClient } from '../support/raw-client.ts'
import { fuzz } from './fuzz.ts'
import { anyConnect, anyPacket } from './packets.ts'

/** What reaches a bystander, and nothing else may. */
const marker = 'plant/s1/pump-8/telemetry/marker'

let plant: Plant
let bystander: RawClient
let pump8: RawClient
beforeAll(async () => {
  plant = await startPlant({ limits: { deniedPerMinute: 1_000_000 } })
  const open = async (name: string, clientId: string): Promise<RawClient> => {
    const { client, code } = await RawClient.connect(plant.port, await plant.as(name), clientId)
    expect(code).toBe(0)
    return client
  }
  bystander = await open('ops-1', 'ops-1/fuzz')
  expect(await bystander.subscribe('plant/s1/pump-8/#')).toEqual([0])
  pump8 = await open('pump-8', 'pump-8')
})
afterAll(() => plant.close())

test('a guarded broker', { timeout: 0 }, async () => {
  const credentials = await plant.as('pump-7')
  await fuzz('broker', 0.08, async random => {
    const client = await RawClient.open(plant.port, credentials)
    const packets = [anyConnect(random, 'pump-7'), ...Array.from({ length: 8 }, () => anyPacket(random))]
    // a good log-in more often than not, so that what is behind it counts
    if (random.chance(20)) packets[0] = random.injure(packets[0] as Buffer)
    for (const [index, packet] of packets.entries()) {
      const bytes = index > 0 && random.chance(30) ? random.injure(packet) : packet
      for (const piece of random.cut(bytes)) client.write(piece)
    }
    // whatever it was, its end is the end of it
    client.socket.end()
    await client.closed
    if (random.chance(10)) {
      expect(await pump8.publish(marker, String(random.next()))).toBe('acknowledged')
      expect(await bystander.next()).toMatchObject({ cmd: 'publish', topic: marker })
    }
  })
})
