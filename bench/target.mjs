// One broker to measure, in a process of its own: `guarded`, `stock` or `handmade`. Told its folder by argument; answers with its port.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import tls from 'node:tls'
import { Aedes } from 'aedes'
import { guard, listen } from '../dist/enforce/aedes/index.js'
import { openGate } from '../dist/gate.js'
import { startHandmadeBroker } from '../dist/tool/demo/handmade-broker.js'

const [kind, folder] = process.argv.slice(2)
const file = name => join(folder, name)
const text = name => readFile(file(name), 'utf8')

async function start() {
  const broker = await Aedes.createBroker()
  if (kind === 'guarded' || kind === 'plain') {
    const gate = await openGate({
      policies: file('policies'),
      baseFolder: folder,
      issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem' } },
      limits: { unauthenticatedPerAddress: 1000 },
      watch: false,
      permits: 'none',
    })
    const tlsFiles = { keyFile: file('server.key'), certFile: file('server.pem') }
    const listener = await listen(guard(broker, gate, { fastPath: kind === 'guarded' }), {
      port: 0,
      host: '127.0.0.1',
      tls: tlsFiles,
    })
    return listener.address.port
  }
  const files = { key: await text('server.key'), cert: await text('server.pem'), ca: await text('root.pem') }
  if (kind === 'handmade') return (await startHandmadeBroker(files)).port
  const server = tls.createServer({ ...files, requestCert: true, rejectUnauthorized: true, noDelay: true }, socket =>
    broker.handle(socket),
  )
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return server.address().port
}

process.send(await start())
