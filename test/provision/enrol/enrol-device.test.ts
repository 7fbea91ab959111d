/** The device's side: what it believes, how long it waits, and that a stranger never sees its token. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PortcullisError } from '../../../src/problem.ts'
import {
  type Authority,
  createIssuing,
  createRoot,
  createSerial,
  issueLeaf,
  signLeaf,
} from '../../../src/provision/authority.ts'
import { readRequest } from '../../../src/provision/csr.ts'
import { rawNamesOf } from '../../../src/provision/enrol/certificate-names.ts'
import { certsOnly } from '../../../src/provision/enrol/certs-only.ts'
import { enrolDevice } from '../../../src/provision/enrol/enrol-device.ts'
import { createKeys } from '../../../src/provision/keys.ts'
import { EstUnderTest, must } from '../../support/est.ts'

const day = 86_400_000
const now = (): Date => new Date()
const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 30 * day) }

function authority(name: string): { root: Authority; issuing: Authority } {
  const root = createRoot({ subject: [['CN', `${name} root`]], now, validDays: 100 })
  return { root, issuing: createIssuing(root, { subject: [['CN', `${name} issuing`]], now, validDays: 90 }) }
}

const acme = authority('acme')
const other = authority('other')
let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const envelope = (...ders: readonly Uint8Array[]): Answer => ({
  headers: { 'content-type': 'application/pkcs7-mime; smime-type=certs-only' },
  body: certsOnly(ders).toString('base64'),
})
const caCerts = envelope(acme.issuing.der, acme.root.der)

/** A service that answers as it is told to. */
async function service(
  enroll: (body: string, turn: number) => Answer,
  { cacerts = caCerts, as = acme }: { cacerts?: Answer; as?: typeof acme } = {},
): Promise<{ origin: URL; seen: string[] }> {
  const leaf = issueLeaf(as.issuing, {
    profile: 'server',
    subject: [['CN', 'x']],
    sans: { dns: ['localhost'] },
    ...validity,
  })
  const seen: string[] = []
  server = createServer({ key: leaf.keyPem, cert: leaf.pem + as.issuing.pem }, async (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`)
    let body = ''
    for await (const chunk of request) body += chunk
    const {
      status = 200,
      headers = {},
      body: text = '',
    } = request.url?.endsWith('cacerts') ? cacerts : enroll(body, seen.length - 2)
    response.writeHead(status, headers).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { origin: new URL(`https://localhost:${(server.address() as AddressInfo).port}`), seen }
}

const subject = [
  ['OU', 's1'],
  ['CN', 'pump-7'],
] as const

/** A certificate for the key of the request, as told. */
function signed(body: string, more: Partial<Parameters<typeof signLeaf>[1]> = {}, ca = acme.issuing): Buffer {
  const { publicKey } = must(readRequest(Buffer.from(body, 'base64')))
  return signLeaf(ca, { profile: 'device', subject, ...validity, publicKey, serialHex: createSerial(), ...more }).der
}

async function enrol(origin: URL, more = {}): Promise<{ outcome: string; slept: number[] }> {
  const slept: number[] = []
  const wish = { name: 'pump-7', keys: createKeys(), token: 'secret-token', waitSeconds: 60 }
  const place = { origin, rootPem: acme.root.pem }
  const result = await enrolDevice(
    { place, ...wish, ...more },
    { now, sleep: async ms => void slept.push(ms), waiting: () => undefined },
  ).catch((error: unknown) => {
    if (!(error instanceof PortcullisError)) throw error
    return { ok: false as const, problem: error.problems[0] }
  })
  return { outcome: result.ok ? 'enrolled' : `${result.problem?.code}: ${result.problem?.sentence}`, slept }
}

test('a certificate for its key, its name and its authority is taken', async () => {
  const { origin, seen } = await service(body => envelope(signed(body)))
  expect((await enrol(origin)).outcome).toBe('enrolled')
  const basic = Buffer.from('pump-7:secret-token').toString('base64')
  expect(seen).toEqual(['GET /.well-known/est/cacerts ', `POST /.well-known/est/simpleenroll Basic ${basic}`])
})

test('line breaks within the base64 are taken', async () => {
  const { origin } = await service(body => {
    const answer = envelope(signed(body))
    return { ...answer, body: (answer.body ?? '').replace(/.{64}/g, '$&\r\n') }
  })
  expect((await enrol(origin)).outcome).toBe('enrolled')
})

describe('later', () => {
  test.each([202, 429, 503])('%i: the same request again, after as long as the service says', async status => {
    const bodies: string[] = []
    const { origin } = await service((body, turn) => {
      bodies.push(body)
      return turn < 2 ? { status, headers: { 'retry-after': `${7 + turn}` } } : envelope(signed(body))
    })
    expect(await enrol(origin)).toEqual({ outcome: 'enrolled', slept: [7000, 8000] })
    expect(new Set(bodies).size).toBe(1)
  })

  test('as a date', async () => {
    const date = new Date(Date.now() + 20_000).toUTCString()
    const { origin } = await service((body, turn) =>
      turn === 0 ? { status: 202, headers: { 'retry-after': date } } : envelope(signed(body)),
    )
    const { outcome, slept } = await enrol(origin)
    expect(outcome).toBe('enrolled')
    expect(slept[0]).toBeGreaterThan(10_000)
    expect(slept[0]).toBeLessThanOrEqual(20_000)
  })

  test('is not waited for longer than it was told to, nor without a time', async () => {
    for (const headers of [{ 'retry-after': '61' }, {}] as Record<string, string>[]) {
      const { origin } = await service(() => ({ status: 202, headers }))
      expect(await enrol(origin)).toEqual({
        outcome: 'provision/enrolment-failed: the service answered 202',
        slept: [],
      })
      server?.close()
    }
  })

  test('for ever: it gives up', async () => {
    const { origin } = await service(() => ({ status: 202, headers: { 'retry-after': '0' } }))
    expect((await enrol(origin)).slept).toHaveLength(60)
  })
})

describe('an answer that is not believed', () => {
  const why = (reason: string): string => `provision/bad-response: the answer of the service cannot be used: ${reason}`
  const single = why('it holds no single certificate')

  test.each<[string, (body: string) => Answer, string]>([
    [
      'for another key',
      body => envelope(signed(body, { publicKey: createKeys().publicKey })),
      why('the certificate is for another key'),
    ],
    [
      'of another authority',
      body => envelope(signed(body, {}, other.issuing)),
      why('the certificate does not chain to the root given'),
    ],
    [
      'for another name',
      body => envelope(signed(body, { subject: [['CN', 'pump-77']] })),
      why('the certificate is for CN=pump-77'),
    ],
    ['two certificates', body => envelope(signed(body), acme.issuing.der), single],
    ['none', () => ({ headers: { 'content-type': 'application/pkcs7-mime' }, body: '' }), single],
    ['of another type', body => ({ ...envelope(signed(body)), headers: { 'content-type': 'text/html' } }), single],
    ['cut', body => ({ ...envelope(signed(body)), body: envelope(signed(body)).body?.slice(0, 400) ?? '' }), single],
    [
      'over',
      body =>
        envelope(signed(body, { notBefore: new Date(Date.now() - 3 * day), notAfter: new Date(Date.now() - day) })),
      'authenticate/expired',
    ],
    ['for a server', body => envelope(signed(body, { profile: 'server' })), 'authenticate/'],
  ])('%s', async (_, answer, expected) => {
    const { origin } = await service(answer)
    expect((await enrol(origin)).outcome).toContain(expected)
  })

  test('an authority that vouches for itself', async () => {
    const { origin } = await service(body => envelope(signed(body, {}, other.issuing)), {
      cacerts: envelope(other.issuing.der, other.root.der),
    })
    expect((await enrol(origin)).outcome).toBe(why('the certificate does not chain to the root given'))
  })

  test('other names than those of the certificate before', async () => {
    const before = rawNamesOf(
      issueLeaf(acme.issuing, {
        profile: 'device',
        subject: [
          ['OU', 's2'],
          ['CN', 'pump-7'],
        ],
        ...validity,
      }).der,
    )
    const { origin } = await service(body => envelope(signed(body)))
    expect((await enrol(origin, { token: undefined, names: before })).outcome).toContain('the certificate is for ')
  })
})

describe('a service that is not', () => {
  test('of this authority never sees the token', async () => {
    const { origin, seen } = await service(body => envelope(signed(body)), { as: other })
    expect((await enrol(origin)).outcome).toMatch(
      /^provision\/enrolment-failed: .* gave no answer: the certificate of the service is not from this authority$/,
    )
    expect(seen).toEqual([])
  })

  test('where the address says: a redirection is not followed', async () => {
    const { origin, seen } = await service(() => ({ status: 307, headers: { location: 'https://localhost:1/' } }))
    expect((await enrol(origin)).outcome).toBe('provision/enrolment-failed: the service answered 307')
    expect(seen).toHaveLength(2)
  })

  test('there, or called so', async () => {
    const { origin } = await service(() => ({}))
    const elsewhere = new URL(origin)
    elsewhere.hostname = '127.0.0.1'
    expect((await enrol(elsewhere)).outcome).toContain('the certificate of the service is for another name')
    server?.close()
    expect((await enrol(origin)).outcome).toContain('nothing listens there')
  })

  test('brief, or plain: what it says is cut, and only a text is shown', async () => {
    const long = 'x'.repeat(1000)
    const { origin } = await service(() => ({
      status: 400,
      headers: { 'content-type': 'text/plain' },
      body: `${long}\nmore`,
    }))
    expect((await enrol(origin)).outcome).toBe(
      `provision/enrolment-failed: the service answered 400: ${long.slice(0, 300)}`,
    )
    server?.close()
    const endless = await service(() => ({ body: 'A'.repeat(70_000) }))
    expect((await enrol(endless.origin)).outcome).toContain('the answer is longer than 65536 bytes')
  })
})

describe('with the service of this project', () => {
  let est: EstUnderTest
  beforeAll(async () => {
    est = await new EstUnderTest().open()
  })
  afterAll(() => est.close())

  test('it enrols and renews', async () => {
    const place = { origin: new URL(`https://localhost:${est.port}`), rootPem: est.rootPem }
    const io = { now, sleep: async () => undefined, waiting: () => undefined }
    const device = await est.enrolled('pump-1')
    const shown = { ...place, key: device.key, cert: device.cert }
    const wish = { place: shown, name: 'pump-1', keys: createKeys(), names: rawNamesOf(device.der), waitSeconds: 0 }
    expect(must(await enrolDevice(wish, io)).leaf.subject).toBe('OU=s1\nCN=pump-1')
    const first = { place, name: 'pump-2', keys: createKeys(), token: await est.token('pump-2'), waitSeconds: 0 }
    expect(must(await enrolDevice(first, io)).leaf.subject).toBe('OU=s1\nCN=pump-2')
    expect(await enrolDevice(first, io)).toMatchObject({ ok: false, problem: { code: 'provision/enrolment-failed' } })
  })
})
