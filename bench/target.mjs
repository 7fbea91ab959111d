// One aedes to measure, in a process of its own. Told its kind and its folder by argument; answers with its port. `stop` ends it in
// order, so that a profile is written; `collect` answers when garbage has been collected.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import tls from 'node:tls'
import { Aedes } from 'aedes'
import { guard, listen } from '../dist/enforce/aedes/index.js'
import { openGate } from '../dist/open-gate.js'
import { startHandmadeBroker } from '../dist/tool/demo/handmade-broker.js'

const [kind, folder] = process.argv.slice(2)
const file = name => join(folder, name)
const text = name => readFile(file(name), 'utf8')

async function startGuarded({ fastPath, policies }) {
  const gate = await openGate({
    policies: file(policies),
    baseFolder: folder,
    issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem' } },
    limits: { unauthenticatedPerAddress: 10_000, subscriptions: 10_000 },
    watch: false,
    permits: 'none',
  })
  const guarded = guard(await Aedes.createBroker(), gate, { fastPath })
  const ownFiles = { keyFile: file('server.key'), certFile: file('server.pem') }
  return (await listen(guarded, { port: 0, host: '127.0.0.1', tls: ownFiles })).address.port
}

async function startStock() {
  const broker = await Aedes.createBroker()
  const own = { key: await text('server.key'), cert: await text('server.pem'), ca: await text('root.pem') }
  const options = { ...own, requestCert: true, rejectUnauthorized: true, noDelay: true }
  const server = tls.createServer(options, socket => broker.handle(socket))
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return server.address().port
}

const starts = {
  stock: startStock,
  handmade: async () =>
    (
      await startHandmadeBroker({
        key: await text('server.key'),
        cert: await text('server.pem'),
        ca: await text('root.pem'),
      })
    ).port,
  guarded: () => startGuarded({ fastPath: true, policies: 'policies' }),
  plain: () => startGuarded({ fastPath: false, policies: 'policies' }),
  large: () => startGuarded({ fastPath: true, policies: 'policies-large' }),
}

process.on('message', request => {
  if (request === 'stop') process.exit(0)
  for (let round = 0; round < 3; round++) globalThis.gc?.()
  process.send('collected')
})
process.send(await starts[kind]())
