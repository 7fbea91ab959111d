/** Mosquitto: a broker with the server certificate, the root and the CRL; the leaf logs in by mosquitto_pub over real TLS. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { missingTool } from './run-tool.mjs'

/** @type {import('../verify-certificates.mjs').Verifier} */
export const mosquitto = {
  name: 'Mosquitto, log-in over TLS, crlfile',
  missing: () => missingTool('mosquitto', 'mosquitto') ?? missingTool('mosquitto_pub', 'mosquitto-clients'),
  async check(pki, leaf) {
    if (!leaf.isRevoked) return visit(pki, leaf, true)
    // it does not say why it refuses: without the CRL the same log-in must succeed
    const without = await visit(pki, leaf, false)
    const { accepted, said } = await visit(pki, leaf, true)
    if (!without.accepted) return { accepted: false, said: `refused without the list too:\n${without.said}` }
    return accepted
      ? { accepted, said }
      : { accepted, said: `revoked: accepted without the crlfile, refused with it\n${said}` }
  },
}

/** One broker, one log-in. */
async function visit(pki, leaf, hasCrl) {
  const port = await freePort()
  const { broker, log } = await start(pki, port, hasCrl)
  const ended = once(broker, 'close')
  try {
    // whether the server is accepted is for the client to say, and any good device will do for that
    const shown = leaf.name === 'server' ? pki.leaves.device : leaf
    const tls = ['--cafile', pki.root, '--cert', shown.certificate, '--key', shown.key]
    const { status, said } = await login([
      '-h',
      'localhost',
      '-p',
      String(port),
      ...tls,
      '-t',
      'a',
      '-m',
      'b',
      '-q',
      '1',
    ])
    broker.kill()
    await ended
    // the name in its log: the certificate was read, not only the connection taken
    const isNamed = log.some(line => line.includes(`u'${leaf.isRevoked ? 'pump-13' : 'pump-12'}'`))
    return { accepted: status === 0 && isNamed, said: `${said}\n${log.join('\n')}` }
  } finally {
    broker.kill()
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function start(pki, port, hasCrl) {
  const file = join(pki.folder, 'mosquitto.conf')
  const { certificate, key } = pki.leaves.server
  writeFileSync(
    file,
    `user root
log_dest stderr
log_type all
listener ${port} 127.0.0.1
cafile ${pki.root}
certfile ${certificate}
keyfile ${key}
${hasCrl ? `crlfile ${pki.crl}` : ''}
require_certificate true
use_identity_as_username true
`,
  )
  const broker = spawn('mosquitto', ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  const log = []
  const lines = createInterface({ input: broker.stderr })
  await new Promise((resolve, reject) => {
    lines.on('line', line => {
      log.push(line)
      if (line.endsWith(' running')) resolve()
    })
    broker.once('error', reject)
    broker.once('close', () => reject(new Error(`mosquitto ended: ${log.join('\n')}`)))
  })
  return { broker, log }
}

async function login(args) {
  const client = spawn('mosquitto_pub', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
  let said = ''
  for (const stream of [client.stdout, client.stderr]) stream.on('data', text => (said += text))
  const [status] = await once(client, 'close')
  return { status, said }
}
