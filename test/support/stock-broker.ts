/** Aedes as it comes, behind mutual TLS, without a hook: what an ordinary day is compared with. */
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { Aedes } from 'aedes'

/** `certs` is a folder as `ensureDevCerts` makes it. */
export async function startStock(certs: string): Promise<{ readonly port: number; close(): Promise<void> }> {
  const [key, cert, ca] = await Promise.all(
    ['server.key', 'server.pem', 'root.pem'].map(name => readFile(join(certs, name), 'utf8')),
  )
  const broker = await Aedes.createBroker()
  const options = { key, cert, ca, requestCert: true, rejectUnauthorized: true } as tls.TlsOptions
  const server = tls.createServer(options, socket => {
    socket.setNoDelay(true)
    broker.handle(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      await new Promise<void>(resolve => broker.close(() => resolve()))
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}
