/** An ordinary day of MQTT.js. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { commandTopic, manyMessages, numbered, own, type Place, type Transcript } from './transcript.ts'

type Qos = 0 | 1 | 2

class Client {
  readonly client: MqttClient
  readonly isPresent: boolean
  readonly #seen: string[] = []
  readonly #waiting = new Set<() => void>()

  private constructor(client: MqttClient, isPresent: boolean) {
    this.client = client
    this.isPresent = isPresent
  }

  static async connect(place: Place, name: string, clientId: string, options: IClientOptions = {}): Promise<Client> {
    const text = (file: string): Promise<string> => readFile(join(place.certs, file), 'utf8')
    const client = mqtt.connect({
      protocol: 'mqtts',
      host: 'localhost',
      port: place.port,
      key: await text(`${name}.key`),
      cert: await text(`${name}.pem`),
      ca: await text('ca.pem'),
      clientId,
      protocolVersion: 4,
      reconnectPeriod: 0,
      ...options,
    })
    const early: string[] = []
    const keepEarly = (topic: string, payload: Buffer, packet: { qos: Qos; retain: boolean }): void => {
      early.push(told(topic, payload, packet))
    }
    client.on('message', keepEarly)
    const connack = await new Promise<{ sessionPresent: boolean }>((resolve, reject) => {
      client.once('connect', resolve)
      client.once('error', reject)
    })
    const made = new Client(client, connack.sessionPresent)
    client.off('message', keepEarly)
    made.#seen.push(...early)
    client.on('message', (topic, payload, packet) => {
      made.#seen.push(told(topic, payload, packet as { qos: Qos; retain: boolean }))
      for (const wake of made.#waiting) wake()
    })
    return made
  }

  async subscribe(topic: string, qos: Qos): Promise<string> {
    const granted = await this.client.subscribeAsync(topic, { qos })
    return granted.map(one => `${one.topic}: ${one.qos}`).join(', ')
  }

  /** Takes so many messages out of what has come, and waits for what has not. */
  async take(count: number): Promise<readonly string[]> {
    while (this.#seen.length < count) await new Promise<void>(resolve => this.#waiting.add(resolve))
    this.#waiting.clear()
    return this.#seen.splice(0, count)
  }

  async publishAll(topic: string, payloads: readonly string[], qos: Qos): Promise<void> {
    await Promise.all(payloads.map(payload => this.client.publishAsync(topic, payload, { qos })))
  }
}

function told(topic: string, payload: Buffer, packet: { qos: Qos; retain: boolean }): string {
  return `${topic} ${payload} qos ${packet.qos}${packet.retain ? ' retained' : ''}`
}

export async function mqttJsDay(place: Place): Promise<Transcript> {
  const day: Record<string, readonly string[]> = {}
  const operator = await Client.connect(place, 'ops-1', 'ops-1/desk')
  day['operator subscribes'] = [await operator.subscribe('plant/s1/#', 2)]
  const pump = await Client.connect(place, 'pump-7', 'pump-7', { clean: false })
  day['pump subscribes'] = [await pump.subscribe(commandTopic, 2)]

  for (const qos of [0, 1, 2] as const) {
    const payloads = numbered(`qos ${qos}`, qos === 2 ? 20 : manyMessages)
    // QoS 2 one by one: of handshakes that overlap, stock aedes sends some again after a reconnect
    const batches = qos === 2 ? payloads.map(payload => [payload]) : [payloads]
    const seen = { up: [] as string[], down: [] as string[], echo: [] as string[] }
    for (const batch of batches) {
      const [up] = await Promise.all([operator.take(batch.length), pump.publishAll(own, batch, qos)])
      seen.up.push(...up)
      // an operator of plant/s1/# hears its own commands too
      const [down, echo] = await Promise.all([
        pump.take(batch.length),
        operator.take(batch.length),
        operator.publishAll(commandTopic, batch, qos),
      ])
      seen.down.push(...down)
      seen.echo.push(...echo)
      // a round trip, so that the last acknowledgements are through on every side
      await pump.subscribe(commandTopic, 2)
    }
    day[`telemetry at QoS ${qos}`] = seen.up
    day[`commands at QoS ${qos}`] = seen.down
    day[`their echo at QoS ${qos}`] = seen.echo
  }

  await pump.client.publishAsync(own, 'kept', { qos: 1, retain: true })
  await operator.take(1)
  const late = await Client.connect(place, 'ops-1', 'ops-1/late')
  await late.subscribe(own, 1)
  day['a retained message'] = await late.take(1)
  await pump.client.publishAsync(own, '', { qos: 1, retain: true })
  day['is cleared'] = await late.take(1)
  await late.client.endAsync()
  const later = await Client.connect(place, 'ops-1', 'ops-1/later')
  await later.subscribe(own, 1)
  await pump.client.publishAsync(own, 'marker', { qos: 1 })
  day['and gone'] = await later.take(1)
  await later.client.endAsync()
  await operator.take(2)

  await pump.client.endAsync()
  await operator.publishAll(commandTopic, numbered('offline', 20), 1)
  await operator.take(20)
  const back = await Client.connect(place, 'pump-7', 'pump-7', { clean: false })
  day['session present'] = [String(back.isPresent)]
  day['what waited'] = await back.take(20)
  await back.client.endAsync()

  const will = { topic: 'plant/s1/pump-8/telemetry/last', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
  const doomed = await Client.connect(place, 'pump-8', 'pump-8', { will })
  doomed.client.on('error', () => undefined)
  doomed.client.stream.destroy()
  day['a will'] = await operator.take(1)
  await doomed.client.endAsync(true)
  const clean = await Client.connect(place, 'pump-7', 'pump-7', { clean: true })
  day['after a clean start'] = [String(clean.isPresent)]
  await clean.client.endAsync()
  await operator.client.endAsync()
  return day
}
