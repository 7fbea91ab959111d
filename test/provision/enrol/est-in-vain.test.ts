/** A token is spent for a certificate that somebody gets, and for nothing else: whatever comes in between, it stays good. */
import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import Database from 'libsql'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { PortcullisError, problem } from '../../../src/problem.ts'
import { readBody } from '../../../src/provision/enrol/est-body.ts'
import { createKeys } from '../../../src/provision/keys.ts'
import { EstUnderTest, requestOf } from '../../support/est.ts'
import { setOf } from '../../support/policy-set.ts'

let est: EstUnderTest
beforeAll(async () => {
  est = await new EstUnderTest().open()
})
beforeEach(() => {
  est.events.length = 0
})
afterAll(() => est.close())

const tokensOf = (name: string): readonly string[] =>
  est.ca.ledger.tokens.all().flatMap(one => (one.name === name ? [one.state] : []))

/** A first enrolment as it goes over the wire. */
async function enrolment(name: string): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${name}:${await est.token(name)}`).toString('base64')}`
  const body = requestOf(name, createKeys()).toString('base64')
  const head = `POST /.well-known/est/simpleenroll HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n`
  return `${head}content-type: application/pkcs10\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

/** Whatever else is at the ledger. */
const other = (): Database.Database => new Database(join(est.folder, 'ca/ledger.db'))

describe('two requests on one connection', () => {
  test('the second one, behind any other, is not looked at', async () => {
    const plain = 'GET /.well-known/est/csrattrs HTTP/1.1\r\nhost: x\r\n\r\n'
    const answers = await est.raw(plain + (await enrolment('second-1')))
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 204'])
    expect([tokensOf('second-1'), est.ca.ledger.ofName('second-1')]).toEqual([['outstanding'], []])
  })

  test('nor behind an enrolment, whose certificate arrives', async () => {
    const answers = await est.raw((await enrolment('first-2')) + (await enrolment('second-2')))
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200'])
    expect([tokensOf('first-2'), tokensOf('second-2')]).toEqual([['spent'], ['outstanding']])
  })
})

describe('a ledger that another command does not let go of', () => {
  test.each([
    ['is writing', 'busy-1', 'BEGIN IMMEDIATE'],
    ['lets nobody read', 'busy-2', 'BEGIN EXCLUSIVE'],
    ['is reading, and nobody can write to the end', 'busy-3', 'BEGIN; SELECT count(*) FROM tokens'],
  ])('because it %s: 503, later, and the same token is good then', async (_, name, begin) => {
    const request = await enrolment(name)
    const database = other()
    database.exec(begin)
    const reply = await est.raw(request)
    database.exec('ROLLBACK')
    database.close()
    expect(reply).toMatch(/^HTTP\/1.1 503 .*\r\nretry-after: 10\r\n/s)
    expect(reply).toContain('provision/ledger-busy')
    expect([tokensOf(name), est.ca.ledger.ofName(name)]).toEqual([['outstanding'], []])
    expect(await est.raw(request)).toMatch(/^HTTP\/1.1 200 /)
  })
})

describe('a client that is gone', () => {
  /** TLS is up, and nothing was sent. */
  async function connected(port: number): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: est.rootPem })
    socket.on('error', () => undefined).resume()
    await once(socket, 'secureConnect')
    return socket
  }

  test('because its time was up while another one held the ledger', async () => {
    const requests = [await enrolment('late-1'), await enrolment('late-2')]
    const database = other()
    database.exec('BEGIN IMMEDIATE')
    const free = (): void => void (database.inTransaction && database.exec('ROLLBACK'))
    const port = await est.serve({ requestSeconds: 0.4 }, { trace: event => event.event === 'enrol-refused' && free() })
    const sockets = [await connected(port), await connected(port)]
    const closed = Promise.all(sockets.map(socket => once(socket, 'close')))
    for (const [index, socket] of sockets.entries()) socket.write(requests[index] ?? '')
    await closed
    // whatever is still in line comes before this one
    expect((await est.raw(await enrolment('late-3'), { port })).slice(0, 12)).toBe('HTTP/1.1 200')
    database.close()
    expect([tokensOf('late-1'), tokensOf('late-2')]).toEqual([['outstanding'], ['outstanding']])
    expect([est.ca.ledger.ofName('late-1'), est.ca.ledger.ofName('late-2')]).toEqual([[], []])
  })

  test('before its body was asked for', async () => {
    const request = new IncomingMessage(new Socket())
    request.on('error', () => undefined)
    request.destroy()
    await once(request, 'close')
    expect(await readBody(request, 100)).toMatchObject({ status: 400 })
  })
})

test('a token that was spent in vain is not asked for again', async () => {
  const request = await enrolment('vain-1')
  const busy = vi.spyOn(est.ca.ledger, 'issue').mockImplementation(() => {
    throw new PortcullisError([problem('provision/ledger-busy', 'another command is at the ledger')])
  })
  const reply = await est.raw(request)
  busy.mockRestore()
  expect(reply).toMatch(/^HTTP\/1.1 500 /)
  expect(reply).not.toContain('retry-after')
  expect(est.refusals).toEqual(['provision/reservation-lost'])
  expect([tokensOf('vain-1'), est.ca.ledger.ofName('vain-1').map(({ state }) => state)]).toEqual([
    ['spent'],
    ['revoked'],
  ])
})

test('a device whose name has a colon is known by it', async () => {
  const before = est.policy
  est.policy = setOf(`
settings: { safeValues: ":" }
identities:
  device: { from: { subject.ou: "\${site}", subject.cn: "\${device}" }, unique: [device], clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: "plant/\${site}/\${device}/#" }] }
`)
  const device = await est.enrolled('00:1b:44')
  est.policy = before
  expect(device.cert).toContain('BEGIN')
})

test('a log that fails ends the connection, not the service', async () => {
  const trace = (): never => {
    throw new Error('the disk is full')
  }
  const port = await est.serve({}, { trace })
  expect(await est.raw('GET /none HTTP/1.1\r\nhost: x\r\n\r\n', { port })).toBe('')
  expect((await est.send({ path: 'csrattrs', port })).status).toBe(204)
})
