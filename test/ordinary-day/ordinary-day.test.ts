/** Who does nothing forbidden notices no guard: three clients live a day through the guarded broker and through stock aedes. */
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startPlant } from '../support/plant.ts'
import { startStock } from '../support/stock-broker.ts'
import { mosquittoDay } from './mosquitto.ts'
import { mqttJsDay } from './mqtt-js.ts'
import { generous, manyMessages, type Place, type Transcript } from './transcript.ts'

/** The same day at both places. */
async function compare(live: (place: Place) => Promise<Transcript>): Promise<void> {
  const plant = await startPlant({ edit: generous })
  const certs = join(plant.folder, 'certs-dev')
  const stock = await startStock(certs)
  try {
    const guarded = await live({ port: plant.port, certs })
    const plain = await live({ port: stock.port, certs })
    expect(guarded).toEqual(plain)
    for (const step of ['telemetry at QoS 0', 'telemetry at QoS 1', 'commands at QoS 0', 'commands at QoS 1']) {
      expect(guarded[step]?.length).toBeGreaterThanOrEqual(manyMessages)
    }
    expect(plant.events.filter(event => event.event === 'refused' || event.event === 'connect-refused')).toEqual([])
  } finally {
    await stock.close()
    await plant.close()
  }
}

const has = (program: string, ...args: string[]): boolean => spawnSync(program, args, { stdio: 'ignore' }).status === 0
const hasMosquitto = has('sh', '-c', 'command -v mosquitto_pub mosquitto_sub')
const python = ['python3', '/usr/bin/python3'].find(one => has(one, '-c', 'import paho.mqtt.client'))
if (!hasMosquitto)
  console.warn('SKIPPED: mosquitto_pub and mosquitto_sub are not here (Debian: apt-get install mosquitto-clients)')
if (python === undefined) console.warn('SKIPPED: paho is not here (Debian: apt-get install python3-paho-mqtt)')

test('MQTT.js', { timeout: 60_000 }, () => compare(mqttJsDay))

test.skipIf(python === undefined)("Python's paho", { timeout: 60_000 }, async () => {
  const program = fileURLToPath(new URL('paho-day.py', import.meta.url))
  await compare(async ({ port, certs }) => {
    const args = [program, String(port), certs, String(manyMessages)]
    const { stdout } = await promisify(execFile)(python as string, args, {
      maxBuffer: 16 * 1024 * 1024,
      timeout: 50_000,
    })
    return JSON.parse(stdout) as Transcript
  })
})

test.skipIf(!hasMosquitto)('mosquitto_pub and mosquitto_sub', { timeout: 60_000 }, () => compare(mosquittoDay))
