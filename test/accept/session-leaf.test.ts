/** The leaf of a TLS session is the leaf that Node tells of, in every kind of handshake; what is no session is none. (1.2) */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leafInSession } from '../../src/accept/session-leaf.ts'
import { testPki } from '../support/pki.ts'
import { checkProperty } from '../support/property.ts'

const pki = testPki()
const device = pki.device([
  ['OU', 's1'],
  ['CN', 'pump-7'],
])
const ca = pki.root.pem

interface Seen {
  readonly inSession: Buffer | undefined
  readonly told: Buffer | undefined
  readonly session: Buffer
  readonly isResumed: boolean
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', version => {
  let server: tls.Server
  beforeAll(async () => {
    server = tls.createServer({
      key: pki.server.keyPem,
      cert: pki.chainPem(pki.server),
      ca: [ca, pki.issuing.pem],
      requestCert: true,
      rejectUnauthorized: false,
      maxVersion: version,
    })
    server.listen(0)
    await once(server, 'listening')
  })
  afterAll(() => void server.close())

  async function connect(options: tls.ConnectionOptions): Promise<{ seen: Seen; ticket: Buffer }> {
    const secure = once(server, 'secureConnection') as Promise<[tls.TLSSocket]>
    const client = tls.connect({
      port: (server.address() as AddressInfo).port,
      ca,
      servername: 'localhost',
      ...options,
    })
    const ticket = once(client, 'session') as Promise<[Buffer]>
    const [socket] = await secure
    const seen = {
      session: Buffer.from(socket.getSession() as Buffer),
      inSession: leafInSession(socket),
      told: (socket.getPeerCertificate() as { raw?: Buffer }).raw,
      isResumed: socket.isSessionReused(),
    }
    client.resume()
    const [data] = options.session === undefined ? await ticket : [Buffer.alloc(0)]
    client.destroy()
    await once(client, 'close')
    return { seen, ticket: data }
  }

  const own = { key: device.keyPem, cert: pki.chainPem(device) }

  test('full handshake, and one that resumes it', async () => {
    const { seen, ticket } = await connect(own)
    expect(seen.inSession).toEqual(device.der)
    expect(seen.told).toEqual(device.der)
    const again = await connect({ ...own, session: ticket })
    expect(again.seen.isResumed).toBe(true)
    expect(again.seen.inSession).toEqual(device.der)
  })

  test('a client without a certificate has none', async () => {
    const { seen } = await connect({})
    expect(seen.inSession).toBeUndefined()
    expect(seen.told).toBeUndefined()
  })

  test('what is read is wiped: it holds the key of the connection', async () => {
    const { seen } = await connect(own)
    const session = Buffer.from(seen.session)
    expect(leafInSession({ getSession: () => session })).toEqual(device.der)
    expect(session).toEqual(Buffer.alloc(session.length))
  })

  test('a session that was cut or prolonged shows nothing, one that was changed throws nothing', async () => {
    const { seen } = await connect(own)
    const read = (bytes: Buffer<ArrayBuffer>): Buffer | undefined => leafInSession({ getSession: () => bytes })
    for (const length of seen.session.keys())
      expect(read(Buffer.from(seen.session.subarray(0, length)))).toBeUndefined()
    expect(read(Buffer.concat([seen.session, Buffer.from([0])]))).toBeUndefined()
    checkProperty(
      `a changed session, ${version}`,
      fc.property(fc.nat(seen.session.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(seen.session)
        changed[at] = value
        read(changed)
      }),
    )
  })
})

test('no session, no leaf', () => {
  expect(leafInSession({ getSession: () => undefined })).toBeUndefined()
})
