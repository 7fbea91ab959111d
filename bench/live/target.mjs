// The broker as `serve` runs it, in a process of its own that can say how long its event loop stood still and what it has used. Told its
// folder and its store (`memory`, or a folder) by argument; says its port when it listens.
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startGuarded } from '../../dist/tool/start-guarded.js'

const [folder, store] = process.argv.slice(2)
const delay = monitorEventLoopDelay({ resolution: 1 })
const running = await startGuarded(
  {
    policies: join(folder, 'policies'),
    baseFolder: folder,
    issuers: { acme: { certificates: ['ca/issuing.pem'], root: 'ca/root.pem', crl: ['ca/acme.crl'] } },
    limits: {
      connections: 100_000,
      unauthenticatedPerAddress: 100_000,
      queuedMessages: 10_000_000,
      queuedBytes: 16 * 1024 ** 3,
    },
    permits: 'none',
  },
  { port: 0, host: '127.0.0.1', tls: { keyFile: join(folder, 'server.key'), certFile: join(folder, 'server.pem') } },
  {},
  store === 'memory' ? { kind: 'memory' } : { kind: 'disk', folder: store },
)
delay.enable()
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  // the histogram counts how late its timer of one millisecond was called
  process.send({ pauseMs: delay.max / 1e6, cpuMicroseconds: user + system })
  delay.reset()
})
process.send(running.address.port)
