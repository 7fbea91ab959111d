/** Node.js: a mutual handshake of its `tls`, each side with the root and the CRLs of both CAs, which Node wants. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'

/** @type {import('../verify-certificates.mjs').Verifier} */
export const nodeTls = {
  name: `Node.js ${process.versions.node} tls, handshake, crl`,
  missing: () => undefined,
  async check(pki, leaf) {
    const read = file => readFileSync(file, 'utf8')
    const trust = { ca: read(pki.root), crl: [read(pki.crl), read(pki.rootCrl)] }
    const pair = ({ certificate, key }) => ({ cert: read(certificate), key: read(key) })
    const verdicts = []
    const server = tls.createServer(
      { ...trust, ...pair(pki.leaves.server), requestCert: true, rejectUnauthorized: false },
      socket => {
        verdicts.push(socket.authorized ? '' : String(socket.authorizationError))
        socket.end()
      },
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const shown = leaf.name === 'server' ? pki.leaves.device : leaf
    const { port } = server.address()
    const client = tls.connect({ ...trust, ...pair(shown), host: '127.0.0.1', port, servername: 'localhost' })
    // an unauthorized server is an error of the client
    const closed = new Promise(resolve => client.once('close', resolve))
    client.once('error', error => verdicts.push(String(error)))
    client.resume()
    await closed
    server.close()
    const said = verdicts.filter(verdict => verdict !== '').join('; ')
    return { accepted: verdicts.length > 0 && said === '', said }
  },
}
