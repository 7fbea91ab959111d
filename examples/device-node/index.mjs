// A device in Node: connects with its certificate, listens for commands, sends one measurement, and leaves.
//   node examples/device-node/index.mjs certs-dev pump-7 s1
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'

const [certs = 'certs-dev', name = 'pump-7', site = 's1', port = '8883'] = process.argv.slice(2)
const file = suffix => readFileSync(join(certs, suffix))

const client = await connectAsync(`mqtts://localhost:${port}`, {
  clientId: name, // must be the name in the certificate
  cert: file(`${name}.pem`),
  key: file(`${name}.key`),
  ca: file('ca.pem'),
  protocolVersion: 4, // MQTT 3.1.1
})
const [command] = await client.subscribeAsync(`plant/${site}/${name}/command/start`, { qos: 1 })
console.log(command.qos > 2 ? 'commands: refused' : 'commands: subscribed')
await client.publishAsync(`plant/${site}/${name}/telemetry/temp`, '21.5', { qos: 1 })
console.log('telemetry: acknowledged')
await client.endAsync()
