/** The enrolment service over real TLS: what it gives, and to whom it gives nothing. */
import { createHmac, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createIssuing, createRoot, issueLeaf, signLeaf } from '../../../src/provision/authority.ts'
import { writeRequest } from '../../../src/provision/csr-writer.ts'
import { readCertsOnly } from '../../../src/provision/enrol/certs-only.ts'
import { signToken } from '../../../src/provision/enrol/token.ts'
import { createKeys, keyPem } from '../../../src/provision/keys.ts'
import { encodeAlternativeNames, encodeName } from '../../../src/provision/names.ts'
import { EstUnderTest, requestOf } from '../../support/est.ts'
import { setOf } from '../../support/policy-set.ts'

const day = 86_400_000
let est: EstUnderTest
let number = 0
/** A name that no test has used. */
const fresh = (): string => `pump-${++number}`

beforeAll(async () => {
  est = await new EstUnderTest().open()
})
beforeEach(() => {
  est.events.length = 0
  est.aheadMs = 0
})
afterAll(() => est.close())

const code = (body: string): string => body.split(':', 1)[0] ?? ''
const answerOf = ({ status, body }: { status: number; body: string }): string =>
  status === 200 || status === 204 ? String(status) : `${status} ${code(body)}`

describe('what it gives', () => {
  test('the certificates of the authority, as base64 on one line', async () => {
    const reply = await est.send({ path: 'cacerts' })
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/pkcs7-mime'])
    expect(reply.body).toMatch(/^[A-Za-z0-9+/]+={0,2}$/)
    const subjects = readCertsOnly(Buffer.from(reply.body, 'base64')).map(der => new X509Certificate(der).subject)
    expect(subjects.sort()).toEqual(['O=acme\nCN=acme issuing', 'O=acme\nCN=acme root'])
  })

  test('no attributes: 204, with nothing in it', async () => {
    const reply = await est.send({ path: 'csrattrs' })
    expect([reply.status, reply.body, reply.headers.get('content-length')]).toEqual([204, '', undefined])
  })

  test('a certificate for a token: the names of the policy, the key of the request', async () => {
    const [name, keys] = [fresh(), createKeys()]
    const reply = await est.enrol(name, await est.token(name), requestOf(name, keys, [['CN', 'whatever']]))
    expect(reply.headers.get('content-type')).toBe('application/pkcs7-mime; smime-type=certs-only')
    const certificate = new X509Certificate(est.certificateIn(reply, keys).der)
    expect(certificate.subject).toBe(`OU=s1\nCN=${name}`)
    expect(certificate.checkPrivateKey(keys.privateKey)).toBe(true)
    expect(est.ca.ledger.ofName(name)).toMatchObject([{ state: 'issued', identity: `device:site=s1,device=${name}` }])
    expect(est.events).toMatchObject([
      { event: 'enrolled', by: 'token', peer: { address: '127.0.0.1', who: `device:site=s1,device=${name}` } },
    ])
  })

  test('line breaks in the base64 are taken, as older clients send them', async () => {
    const name = fresh()
    const body = requestOf(name, createKeys()).toString('base64').replace(/.{64}/g, '$&\r\n')
    expect((await est.enrol(name, await est.token(name), body)).status).toBe(200)
  })

  test('a chunked body is a body', async () => {
    const [name, body] = [fresh(), requestOf('x', createKeys()).toString('base64')]
    const authorization = `Basic ${Buffer.from(`${name}:${await est.token(name)}`).toString('base64')}`
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    const head = `POST /.well-known/est/simpleenroll HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-type: application/pkcs10\r\ntransfer-encoding: chunked\r\n\r\n`
    expect(await est.raw(head + chunk)).toMatch(/^HTTP\/1.1 200 /)
  })

  test('the next certificate for one that is in force; the old one stays, unless it is superseded', async () => {
    const [name, keys] = [fresh(), createKeys()]
    const first = await est.enrolled(name)
    const second = est.certificateIn(await est.reenrol(first, requestOf(name, keys)), keys)
    expect(new X509Certificate(second.der).subject).toBe(new X509Certificate(first.der).subject)
    expect(est.events.at(-1)).toMatchObject({ event: 'enrolled', by: 'certificate', superseded: [] })
    const port = await est.serve({}, { supersede: true })
    const third = createKeys()
    expect((await est.reenrol(second, requestOf(name, third), { port })).status).toBe(200)
    expect(est.ca.ledger.ofName(name).map(({ state }) => state)).toEqual(['superseded', 'superseded', 'issued'])
    const crl = readFileSync(join(est.ca.folder, 'acme.crl'), 'utf8')
    expect(crl.length).toBeGreaterThan(400)
    expect(answerOf(await est.reenrol(first, requestOf(name, createKeys())))).toBe('403 provision/not-in-force')
  })

  test('many devices at once get along, while each renewal writes the CRL', async () => {
    const port = await est.serve({}, { supersede: true })
    const devices = await Promise.all(Array.from({ length: 6 }, () => est.enrolled(fresh())))
    const replies = await Promise.all(
      devices.map(device => {
        const { subject } = new X509Certificate(device.der)
        return est.reenrol(device, requestOf(subject.split('CN=')[1] ?? '', createKeys()), { port })
      }),
    )
    expect(replies.map(answerOf)).toEqual(replies.map(() => '200'))
  })
})

describe('a token that does not let in', () => {
  const request = (): Buffer => requestOf('pump', createKeys())

  test('of another device, or with another name', async () => {
    const [mine, other] = [fresh(), fresh()]
    const reply = await est.enrol(other, await est.token(mine), request())
    expect(answerOf(reply)).toBe('401 provision/bad-token')
    expect(reply.headers.get('www-authenticate')).toBe('Basic realm="portcullis enrolment", charset="UTF-8"')
    expect(reply.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(reply.body).toBe('provision/bad-token: the token is for another device\n')
  })

  test('expired', async () => {
    const [name, token] = [fresh(), await est.token('pump-0', 's1', 60_000)]
    est.aheadMs = 61_000
    const reply = await est.enrol('pump-0', token, request())
    expect(reply.body).toBe('provision/bad-token: the token is not good: it has expired\n')
    expect(est.ca.ledger.ofName(name)).toEqual([])
  })

  test('spent, even with the very same request', async () => {
    const [name, der] = [fresh(), request()]
    const token = await est.token(name)
    expect((await est.enrol(name, token, der)).status).toBe(200)
    for (const again of [der, request()])
      expect(answerOf(await est.enrol(name, token, again))).toBe('401 provision/bad-token')
    expect(est.ca.ledger.ofName(name)).toHaveLength(1)
  })

  test('used ten times at once, over two services: one gets a certificate', async () => {
    const name = fresh()
    const token = await est.token(name)
    const port = await est.serve()
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, i) => est.enrol(name, token, request(), i % 2 ? { port } : {})),
    )
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(est.ca.ledger.ofName(name)).toHaveLength(1)
  })

  test('withdrawn', async () => {
    const name = fresh()
    const token = await est.token(name)
    est.ca.ledger.tokens.withdraw(est.ca.ledger.tokens.all().at(-1)?.jti ?? '')
    expect(answerOf(await est.enrol(name, token, request()))).toBe('401 provision/bad-token')
  })

  test('tampered with, unsigned, or signed with the public key as a secret', async () => {
    const name = fresh()
    const [head = '', body = '', signature = ''] = (await est.token(name)).split('.')
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const other = encode({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), exp: 4e9 })
    const hs = `${encode({ alg: 'HS256', typ: 'portcullis-enroll+jwt' })}.${body}`
    const secret = est.tokenKey.publicKey.export({ type: 'spki', format: 'pem' })
    const forged = [
      `${head}.${other}.${signature}`,
      `${encode({ alg: 'none', typ: 'portcullis-enroll+jwt' })}.${body}.`,
      `${hs}.${createHmac('sha256', secret).update(hs).digest('base64url')}`,
    ]
    for (const token of forged) {
      const reply = await est.enrol(name, token, request())
      expect(reply.body).toBe('provision/bad-token: the token is not good: this authority did not sign it\n')
    }
    expect(est.ca.ledger.ofName(name)).toEqual([])
  })

  test('of another authority, or well signed and never recorded', async () => {
    const name = fresh()
    const identity = { kind: 'device', captures: new Map(Object.entries({ site: 's1', device: name })) }
    const claims = { jti: '0f'.repeat(16), name, identity, issuedAt: new Date(), expires: new Date(Date.now() + day) }
    const foreign = await signToken(est.tokenKey.privateKey, { ...claims, audience: 'b'.repeat(64) })
    const unrecorded = await signToken(est.tokenKey.privateKey, { ...claims, audience: est.ca.issuerKeyId })
    const bodies = [await est.enrol(name, foreign, request()), await est.enrol(name, unrecorded, request())]
    expect(bodies.map(({ body }) => body)).toEqual([
      'provision/bad-token: the token is not good: it is for another authority\n',
      'provision/bad-token: the ledger knows no such token\n',
    ])
  })

  test.each([
    ['none at all', undefined],
    ['a Bearer', 'Bearer abc'],
    ['Basic that is no base64', 'Basic !!!'],
    ['Basic without a colon', `Basic ${Buffer.from('pump').toString('base64')}`],
    ['a line break in the name', `Basic ${Buffer.from('pump\n:x').toString('base64')}`],
  ])('%s', async (_, authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    const reply = await est.send({ path: 'simpleenroll', headers, body: request().toString('base64') })
    expect(answerOf(reply)).toBe('401 provision/bad-token')
  })

  test('good, but the policy has changed its mind', async () => {
    const name = fresh()
    const token = await est.token(name)
    const before = est.policy
    est.policy = { ...before, roles: new Map() }
    const reply = await est.enrol(name, token, request())
    est.policy = before
    expect(answerOf(reply)).toBe('403 provision/no-rights')
    // what the policy says stays in the log
    expect(reply.body).toBe('provision/no-rights: No rule of the policy lets the new device do anything.\n')
    expect(JSON.stringify(est.events)).toContain(name)
  })
})

describe('a request that gets nothing', () => {
  const tryBody = async (body: string | Buffer, more = {}): Promise<string> => {
    const name = fresh()
    const reply = await est.enrol(name, await est.token(name), body, more)
    expect(est.ca.ledger.ofName(name)).toEqual([])
    return answerOf(reply)
  }
  const good = (): string => requestOf('pump', createKeys()).toString('base64')

  test('for the key of another device, re-sent as it was seen', async () => {
    const [name, keys] = [fresh(), createKeys()]
    await est.enrolled(name, keys)
    const reply = await est.enrol('thief', await est.token('thief'), requestOf(name, keys))
    expect(answerOf(reply)).toBe('409 provision/taken')
    expect(reply.body).not.toContain(name)
  })

  test('whose key is not its own, or too weak', async () => {
    const der = requestOf('pump', createKeys())
    der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1)
    expect(await tryBody(der)).toBe('400 provision/bad-request')
    const weak = await tryBody(readFileSync(new URL('../../vectors/weak.csr.b64', import.meta.url), 'utf8').trim())
    expect(weak).toBe('400 provision/weak-key')
  })

  test.each<[string, () => string]>([
    ['empty', () => ''],
    ['no base64', () => 'hello, world'],
    ['base64url', () => `${good().slice(0, 40)}-_${good().slice(42)}`],
    ['base64 with a space', () => good().replace(/^.{8}/, '$& ')],
    ['base64 cut in the middle of a group', () => good().slice(0, 41)],
    ['base64 with text behind it', () => `${good()}====`],
    ['PEM in base64', () => Buffer.from('-----BEGIN CERTIFICATE REQUEST-----').toString('base64')],
    ['a certificate', () => Buffer.from(new X509Certificate(est.rootPem).raw).toString('base64')],
  ])('as %s', async (_, make) => {
    expect(await tryBody(make())).toBe('400 provision/bad-request')
  })

  test.each(['text/plain', 'application/pkcs10x', 'application/x-pem-file', ''])('of the type `%s`', async type => {
    expect(await tryBody(good(), { headers: { 'content-type': type } })).toMatch(
      /^(?:415|400) provision\/bad-enrolment/,
    )
  })

  test('with a content encoding', async () => {
    const headers = { 'content-encoding': 'gzip', authorization: 'Basic eDp5' }
    expect(await tryBody(good(), { headers })).toBe('415 provision/bad-enrolment')
  })

  test('limit bodyBytes: 16384 bytes are read, one more is too large, said before or while it comes', async () => {
    const atLimit = 'A'.repeat(16_384)
    expect(await tryBody(atLimit)).toBe('400 provision/bad-request')
    expect(await tryBody(`${atLimit}A`)).toBe('413 provision/bad-enrolment')
    const name = fresh()
    const authorization = `Basic ${Buffer.from(`${name}:${await est.token(name)}`).toString('base64')}`
    const head = `POST /.well-known/est/simpleenroll HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-type: application/pkcs10\r\ntransfer-encoding: chunked\r\n\r\n`
    const chunks = `4000\r\n${atLimit}\r\n1\r\nA\r\n`
    expect(await est.raw(head + chunks)).toMatch(/^HTTP\/1.1 413 /)
  })

  test('a huge body is not read to its end', async () => {
    let written = 0
    const onSocket = (socket: import('node:tls').TLSSocket): void => {
      const chunk = Buffer.alloc(64 * 1024, 65)
      const more = (): void => {
        if (socket.destroyed || written > 50e6) return
        written += chunk.length
        socket.write(chunk, more)
      }
      socket.once('secureConnect', () => setImmediate(more))
    }
    const head =
      'POST /.well-known/est/simpleenroll HTTP/1.1\r\nhost: x\r\ncontent-type: application/pkcs10\r\ncontent-length: 1000000000\r\n\r\n'
    await est.raw(head, { onSocket })
    expect(written).toBeLessThan(20e6)
    expect(est.refusals).toEqual(['provision/bad-enrolment'])
  })

  test.each([
    ['POST', 'cacerts', 'GET'],
    ['POST', 'csrattrs', 'GET'],
    ['HEAD', 'cacerts', 'GET'],
    ['GET', 'simpleenroll', 'POST'],
    ['PUT', 'simpleenroll', 'POST'],
    ['DELETE', 'simplereenroll', 'POST'],
  ])('%s of %s', async (method, path, allow) => {
    const reply = await est.send({ path, method, headers: { 'content-length': '0' } })
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, allow])
  })

  test.each([
    '/',
    '/.well-known/est',
    '/.well-known/est/',
    '/.well-known/est/cacerts/',
    '/.well-known/est/cacerts?x=1',
    '/.well-known/est//cacerts',
    '//.well-known/est/cacerts',
    '/.well-known/est/../est/cacerts',
    '/.well-known/est/%63acerts',
    '/.well-known/est/CACERTS',
    '/.well-known/est/label/cacerts',
    '/.well-known/est/cacerts#x',
    '/.well-known/est/cacerts;x',
    '/.well-known/est/toString',
    '/.well-known/est/__proto__',
    'https://localhost/.well-known/est/cacerts',
  ])('for the path %s', async path => {
    const { status, headers } = await est.send({ path })
    expect([status, headers.get('location')]).toEqual([404, undefined])
  })

  test('that is two: only the first is answered', async () => {
    const one = 'GET /.well-known/est/csrattrs HTTP/1.1\r\nhost: x\r\n\r\n'
    expect((await est.raw(one + one)).match(/HTTP\/1.1 204/g)).toHaveLength(1)
  })

  test('that is smuggled: two lengths, or a length and chunks', async () => {
    const head = 'POST /.well-known/est/simpleenroll HTTP/1.1\r\nhost: x\r\ncontent-type: application/pkcs10\r\n'
    for (const lengths of ['content-length: 3\r\ncontent-length: 4', 'content-length: 3\r\ntransfer-encoding: chunked'])
      expect(await est.raw(`${head}${lengths}\r\n\r\nabc`)).toMatch(/^HTTP\/1.1 400 /)
    expect(est.refusals).toEqual(['provision/bad-enrolment', 'provision/bad-enrolment'])
  })

  test('limit headerBytes: more than 8192 bytes of headers', async () => {
    const reply = await est.send({ path: 'cacerts', headers: { x: 'y'.repeat(9000) } })
    expect(answerOf(reply)).toBe('431 provision/bad-enrolment')
  })

  test('that is no HTTP, or no TLS', async () => {
    expect(await est.raw('\x10\x0c\x00\x04MQTT\x04\x02\x00<\x00\x00')).toMatch(/^HTTP\/1.1 400 /)
    expect(est.refusals).toEqual(['provision/bad-enrolment'])
  })

  test('limit requestSeconds: headers, a body or an answer that takes too long', async () => {
    const port = await est.serve({ requestSeconds: 0.2 })
    const name = fresh()
    const authorization = `Basic ${Buffer.from(`${name}:${await est.token(name)}`).toString('base64')}`
    const slow = [
      '', // nothing at all
      'GET /.well-known/est/cacerts HTTP/1.1\r\nhost: x\r\n',
      `POST /.well-known/est/simpleenroll HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-type: application/pkcs10\r\ncontent-length: 400\r\n\r\nMII`,
    ]
    for (const bytes of slow) expect(await est.raw(bytes, { port })).toBe('')
    expect(est.events.map(event => (event.event === 'enrol-refused' ? event.status : event.event))).toEqual([
      408, 408, 408,
    ])
    expect(est.ca.ledger.ofName(name)).toEqual([])
  })
})

describe('too many requests', () => {
  test('limit perAddressPerMinute: of one address are told to wait, and another address is served', async () => {
    const port = await est.serve({ perAddressPerMinute: 3 })
    const ask = (from: string) => est.send({ path: 'csrattrs', port, from })
    expect(await Promise.all([1, 2, 3].map(async () => (await ask('127.0.0.1')).status))).toEqual([204, 204, 204])
    const refused = await ask('127.0.0.1')
    expect(answerOf(refused)).toBe('429 provision/too-many-enrolments')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask('127.0.0.2')).status).toBe(204)
    est.aheadMs = 61_000
    expect((await ask('127.0.0.1')).status).toBe(204)
  })

  test('limit perNamePerMinute: of one device, and nobody can use up those of another', async () => {
    const port = await est.serve({ perNamePerMinute: 2 })
    const name = fresh()
    const token = await est.token(name)
    // a stranger knows the name, and no token
    for (let i = 0; i < 5; i++) await est.enrol(name, 'x', 'AAAA', { port })
    const tries = [await est.enrol(name, token, 'AAAA', { port }), await est.enrol(name, token, 'AAAA', { port })]
    expect(tries.map(answerOf)).toEqual(['400 provision/bad-request', '400 provision/bad-request'])
    expect(answerOf(await est.enrol(name, token, 'AAAA', { port }))).toBe('429 provision/too-many-enrolments')
    expect((await est.enrolled(fresh())).cert).toContain('BEGIN')
  })

  test('limit connectionsPerAddress: a flood that says nothing is refused before TLS, and ends', async () => {
    const port = await est.serve({ requestSeconds: 0.5, connectionsPerAddress: 8 })
    await Promise.all(Array.from({ length: 40 }, () => est.raw('', { port })))
    const told = est.events.flatMap(event => (event.event === 'handshake-refused' ? [event.problem.code] : []))
    expect(told.filter(one => one === 'accept/too-many-waiting').length).toBeGreaterThanOrEqual(20)
    expect((await est.send({ path: 'csrattrs', port })).status).toBe(204)
  })
})

describe('a certificate that does not renew', () => {
  const request = (name: string): Buffer => requestOf(name, createKeys())

  test('none', async () => {
    expect(answerOf(await est.reenrol(undefined, request('pump')))).toBe('403 accept/no-certificate')
  })

  test('a token instead of one', async () => {
    const name = fresh()
    const authorization = `Basic ${Buffer.from(`${name}:${await est.token(name)}`).toString('base64')}`
    const reply = await est.reenrol(undefined, request(name), { headers: { authorization } })
    expect(answerOf(reply)).toBe('403 accept/no-certificate')
  })

  test('revoked, at once and without a new CRL', async () => {
    const name = fresh()
    const device = await est.enrolled(name)
    est.ca.ledger.revoke(est.ca.ledger.ofName(name), 'keyCompromise')
    expect(answerOf(await est.reenrol(device, request(name)))).toBe('403 provision/not-in-force')
    expect(est.ca.ledger.ofName(name)).toHaveLength(1)
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('revoked, on a session that is resumed (%s)', async version => {
    const name = fresh()
    const device = await est.enrolled(name)
    const tls = { key: device.key, cert: device.cert, minVersion: version, maxVersion: version }
    let session: Buffer | undefined
    const keep = (socket: import('node:tls').TLSSocket): void => {
      socket.on('session', one => {
        session = one
      })
    }
    await est.send({ path: 'csrattrs', tls, onSocket: keep })
    est.ca.ledger.revoke(est.ca.ledger.ofName(name), 'keyCompromise')
    let resumed = false
    const look = (socket: import('node:tls').TLSSocket): void => {
      socket.once('secureConnect', () => {
        resumed = socket.isSessionReused()
      })
    }
    const reply = await est.reenrol(device, request(name), { tls: { ...tls, session }, onSocket: look })
    expect([resumed, answerOf(reply)]).toEqual([true, '403 provision/not-in-force'])
  })

  test('on a session that is resumed, while it is in force', async () => {
    const name = fresh()
    const device = await est.enrolled(name)
    const tls = { key: device.key, cert: device.cert }
    let session: Buffer | undefined
    await est.send({ path: 'csrattrs', tls, onSocket: socket => void socket.on('session', one => (session = one)) })
    expect(answerOf(await est.reenrol(device, request(name), { tls: { ...tls, session } }))).toBe('200')
  })

  test('superseded', async () => {
    const name = fresh()
    const device = await est.enrolled(name)
    const keys = createKeys()
    const second = est.certificateIn(await est.reenrol(device, requestOf(name, keys)), keys)
    const record = est.ca.ledger.ofName(name).at(-1)
    if (record !== undefined) est.ca.ledger.supersedeOlder(record)
    expect(answerOf(await est.reenrol(device, request(name)))).toBe('403 provision/not-in-force')
    expect(answerOf(await est.reenrol(second, request(name)))).toBe('200')
  })

  test('expired', async () => {
    const name = fresh()
    const device = await est.enrolled(name)
    est.aheadMs = 101 * day
    expect(answerOf(await est.reenrol(device, request(name)))).toBe('403 authenticate/expired')
  })

  test('of a foreign authority with the very same names', async () => {
    const name = fresh()
    await est.enrolled(name)
    const now = (): Date => new Date()
    const subject = (what: string) =>
      [
        ['O', 'acme'],
        ['CN', `acme ${what}`],
      ] as const
    const root = createRoot({ subject: subject('root'), now, validDays: 100 })
    const issuing = createIssuing(root, { subject: subject('issuing'), now, validDays: 90 })
    const forged = issueLeaf(issuing, {
      profile: 'device',
      subject: [
        ['OU', 's1'],
        ['CN', name],
      ],
      notBefore: new Date(Date.now() - day),
      notAfter: new Date(Date.now() + day),
    })
    const reply = await est.reenrol({ key: forged.keyPem, cert: forged.pem + issuing.pem }, request(name))
    expect(answerOf(reply)).toBe('403 accept/unknown-issuer')
    // it is not told as if it were one of ours
    expect(est.events.at(-1)).toMatchObject({ event: 'enrol-refused', peer: { address: '127.0.0.1' } })
    expect(JSON.stringify(est.events)).not.toContain('fingerprint')
  })

  test('of the authority, but not in its ledger, or of a server', async () => {
    const name = fresh()
    const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) }
    const one = issueLeaf(est.ca.authority, {
      profile: 'device',
      subject: [
        ['OU', 's1'],
        ['CN', name],
      ],
      ...validity,
    })
    const reply = await est.reenrol({ key: one.keyPem, cert: one.pem + est.ca.issuingPem }, request(name))
    expect(answerOf(reply)).toBe('403 provision/unknown-certificate')
    // the serial of one that is in force, under another key
    const { publicKey, privateKey } = createKeys()
    await est.enrolled(fresh())
    const serialHex = est.ca.ledger.all().at(-1)?.serialHex ?? ''
    const subject = [
      ['OU', 's1'],
      ['CN', name],
    ] as const
    const twin = signLeaf(est.ca.authority, { profile: 'device', subject, ...validity, publicKey, serialHex })
    const asTwin = await est.reenrol({ key: keyPem(privateKey), cert: twin.pem + est.ca.issuingPem }, request(name))
    expect(answerOf(asTwin)).toBe('403 provision/unknown-certificate')
    const server = issueLeaf(est.ca.authority, {
      profile: 'server',
      subject: [['CN', 'est']],
      sans: { dns: ['localhost'] },
      ...validity,
    })
    const asServer = await est.reenrol({ key: server.keyPem, cert: server.pem + est.ca.issuingPem }, request(name))
    expect(asServer.status).toBe(403)
  })

  test('asking for other names, or for its old key', async () => {
    const [name, keys] = [fresh(), createKeys()]
    const device = await est.enrolled(name, keys)
    const wrong = [
      requestOf('pump-1', createKeys()),
      requestOf(name, createKeys(), [
        ['OU', 's2'],
        ['CN', name],
      ]),
      requestOf(name, createKeys(), [
        ['CN', name],
        ['OU', 's1'],
      ]),
      requestOf(name, createKeys(), [
        ['OU', 's1'],
        ['CN', name],
        ['CN', 'ops-1'],
      ]),
      writeRequest(createKeys(), {
        subjectName: encodeName([
          ['OU', 's1'],
          ['CN', name],
        ]),
        alternativeNames: encodeAlternativeNames({ dns: ['ops-1'] }) as Buffer,
      }),
    ]
    for (const der of wrong) expect(answerOf(await est.reenrol(device, der))).toBe('400 provision/other-names')
    expect(answerOf(await est.reenrol(device, requestOf(name, keys)))).toBe('400 provision/same-key')
    expect(est.ca.ledger.ofName(name)).toHaveLength(1)
  })

  test('whose device the policy does not know any more, or takes for another', async () => {
    const name = fresh()
    const device = await est.enrolled(name)
    const before = est.policy
    const renamed = setOf(`
identities:
  device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: "plant/\${device}/#" }] }
`)
    const other = setOf(`
identities:
  device: { from: { subject.o: "\${site}", subject.cn: "\${device}" }, unique: [device], clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: "plant/\${site}/\${device}/#" }] }
`)
    const answers: string[] = []
    for (const set of [renamed, other]) {
      est.policy = set
      answers.push(answerOf(await est.reenrol(device, request(name))))
    }
    est.policy = before
    expect(answers).toEqual(['403 provision/policy-refuses', '403 authenticate/poisoned-identity'])
  })

  test('a certificate without its key', async () => {
    const name = fresh()
    const device = await est.enrolled(name)
    const other = keyPem(createKeys().privateKey)
    await expect(est.reenrol({ key: other, cert: device.cert }, request(name))).rejects.toThrow(/key values mismatch/)
  })
})

test('nothing that the log is told holds a token, a key or a password', async () => {
  const name = fresh()
  const token = await est.token(name)
  await est.enrol(name, token, 'AAAA')
  await est.enrol('other', token, 'AAAA')
  await est.enrol(name, `${token}x`, 'AAAA')
  await est.enrol(name, token, requestOf(name, createKeys()))
  await est.enrol(name, token, 'AAAA')
  const told = JSON.stringify(est.events)
  expect(est.events).toHaveLength(5)
  for (const part of [...token.split('.'), 'PRIVATE', 'Basic', 'authorization']) expect(told).not.toContain(part)
})
