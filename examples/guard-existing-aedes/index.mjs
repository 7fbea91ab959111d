// Guards an aedes that already exists, with hooks of its own. Needs a folder of certificates as `portcullis serve` makes it.
//   node examples/guard-existing-aedes/index.mjs certs-dev policies
import { join } from 'node:path'
import { Aedes } from 'aedes'
import { logTrace, openGate, PortcullisError } from 'portcullis'
import { guard, listen } from 'portcullis/aedes'

const [certs = 'certs-dev', policies = 'policies', port = '8883'] = process.argv.slice(2)

// the broker as it was: its own rule stays, and can only narrow what the policy permits
const broker = await Aedes.createBroker()
broker.authorizePublish = (_client, packet, done) =>
  done(packet.payload.length > 1024 ? new Error('too long for us') : null)

try {
  const gate = await openGate({
    policies,
    baseFolder: certs,
    issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
    trace: logTrace({ format: 'plain', policies, write: line => process.stderr.write(line) }),
  })
  const guarded = guard(broker, gate)
  const tls = { keyFile: join(certs, 'server.key'), certFile: join(certs, 'server.pem') }
  const listener = await listen(guarded, { port: Number(port), tls })
  console.log(`guarding mqtts://localhost:${listener.address.port}`)
} catch (error) {
  if (!(error instanceof PortcullisError)) throw error
  console.error(error.message)
  process.exitCode = 3
}
