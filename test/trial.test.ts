/** Report-only and a candidate set, over real TLS, on both paths: what is tried is told, and what must hold still holds. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PolicyError } from '../src/problem.ts'
import { type Plant, refusedWith, startPlant } from './support/plant.ts'
import { RawClient } from './support/raw-client.ts'

const foreign = 'plant/s1/pump-8/telemetry/temp'

const connect = async (plant: Plant, name: string, clientId = name, options = {}) =>
  RawClient.connect(plant.port, await plant.as(name), clientId, options)

describe.each([true, false])('report-only, fast path %s', fastPath => {
  test('lets pass what the policy refuses, and tells each of it as would-refuse', async () => {
    const plant = await startPlant({ reportOnly: true, fastPath })
    const { client: listener } = await connect(plant, 'pump-8')
    expect(await listener.subscribe('plant/#')).toEqual([0])
    const { client, code } = await connect(plant, 'pump-7', 'pump-7', {
      will: { topic: foreign, payload: 'gone', qos: 0, retain: false },
    })
    expect(code).toBe(0)
    expect(await client.publish(foreign, '1')).toBe('acknowledged')
    expect(await listener.next()).toMatchObject({ cmd: 'publish', topic: foreign })
    const told = plant.events.filter(event => event.event === 'would-refuse')
    expect(told).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: expect.objectContaining({ verb: 'subscribe', topic: 'plant/#' }) }),
        expect.objectContaining({
          peer: expect.objectContaining({ who: 'device:site=s1,device=pump-7', clientId: 'pump-7' }),
          action: expect.objectContaining({ verb: 'publish', topic: foreign }),
          problem: expect.objectContaining({ code: 'decide/no-rule' }),
        }),
        expect.objectContaining({ action: expect.objectContaining({ verb: 'receive', topic: foreign }) }),
      ]),
    )
    expect(plant.events.filter(event => event.event === 'refused')).toEqual([])
    expect(plant.events.filter(refusedWith('config/report-only'))).toHaveLength(1)
    await plant.close()
  })

  test('still refuses a borrowed client id, a revoked certificate, a foreign CA, and every topic that begins with $', async () => {
    const plant = await startPlant({ reportOnly: true, fastPath })
    expect((await connect(plant, 'pump-8', 'pump-7')).code).toBe(2)
    expect((await connect(plant, 'pump-5')).code).toBe(5)
    expect((await connect(plant, 'intruder', 'pump-7')).code).toBe('closed')
    const will = { topic: '$portcullis/owners', payload: 'x', qos: 0, retain: true }
    expect((await connect(plant, 'pump-8', 'pump-8', { will })).code).toBe(5)
    const mallory = await connect(plant, 'pump-8')
    expect(await mallory.client.subscribe('$portcullis/#', '$SYS/#')).toEqual([128, 128])
    expect(await mallory.client.publish('$portcullis/owners', 'x', { retain: true })).toBe('closed')
    const { client } = await connect(plant, 'pump-7')
    expect(await client.publish('$SYS/broker/uptime')).toBe('closed')
    expect(plant.events.find(refusedWith('decide/reserved-topic'))).toMatchObject({ event: 'refused' })
    await plant.close()
  })
})

describe.each([true, false])('a candidate, fast path %s', fastPath => {
  const telemetry = '      - publish: plant/${site}/${device}/telemetry/#\n'

  test('is asked and told, once for each reason, and never followed', async () => {
    const plant = await startPlant({
      fastPath,
      candidate: yaml => yaml.replace(telemetry, '      - publish: plant/${site}/+/telemetry/#\n'),
    })
    const { client } = await connect(plant, 'pump-7')
    expect(await client.publish('plant/s1/pump-7/telemetry/temp')).toBe('acknowledged')
    expect(plant.events.filter(event => event.event === 'candidate-differs')).toEqual([])
    expect(await client.publish(foreign)).toBe('closed')
    const again = await connect(plant, 'pump-7')
    expect(await again.client.publish(foreign)).toBe('closed')
    const told = plant.events.filter(event => event.event === 'candidate-differs')
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({
      peer: { who: 'device:site=s1,device=pump-7' },
      action: { verb: 'publish', topic: foreign },
      effect: 'refuse',
      candidate: 'permit',
      rules: [{ role: 'sensor', effect: 'allow' }],
      revision: plant.gate.policy.revision,
    })
    await plant.close()
  })

  test('who could no longer log in is told at the log-in', async () => {
    const plant = await startPlant({
      fastPath,
      candidate: yaml => yaml.replace('clientId: "${device}"', 'clientId: "dev-${device}"'),
    })
    expect((await connect(plant, 'pump-7')).code).toBe(0)
    expect(plant.events.find(event => event.event === 'candidate-differs')).toMatchObject({
      action: { verb: 'connect', topic: 'pump-7' },
      effect: 'permit',
      candidate: 'refuse',
      problem: { code: 'bind/client-id-mismatch' },
    })
    await plant.close()
  })
})

test('a changed candidate is tried on live sessions; a broken one is told, and the one before stays', async () => {
  const plant = await startPlant({ candidate: yaml => yaml, watch: true })
  const { client } = await connect(plant, 'pump-7')
  const file = join(plant.folder, 'candidate', 'plant.yaml')
  const before = await readFile(file, 'utf8')
  await writeFile(file, before.replace('clientId:', 'clientld:'))
  await plant.event(event => event.event === 'candidate-refused')
  await writeFile(file, before.replace('${device}/telemetry/#', '${device}/measured/#'))
  await plant.event(event => event.event === 'candidate-loaded')
  expect(await client.publish('plant/s1/pump-7/telemetry/temp')).toBe('acknowledged')
  expect(plant.events.find(event => event.event === 'candidate-differs')).toMatchObject({
    effect: 'permit',
    candidate: 'refuse',
    problem: { code: 'decide/no-rule' },
  })
  await plant.close()
})

test('a candidate that does not load keeps the gate from opening', async () => {
  await expect(startPlant({ candidate: yaml => yaml.replace('clientId:', 'clientld:') })).rejects.toThrow(PolicyError)
})
