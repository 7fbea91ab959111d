/** Health, readiness and metrics over real sockets, and what else may come in there. */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type OperateListener, openOperate } from '../../src/observe/operate-listener.ts'
import { Readiness } from '../../src/observe/readiness.ts'
import { type Problem, problem } from '../../src/problem.ts'

let listener: OperateListener
let readiness: Readiness
let text: () => Promise<string>
beforeEach(async () => {
  readiness = new Readiness()
  text = async () => 'a_metric 1\n'
  const metrics = { text: () => text(), contentType: 'text/plain; version=0.0.4; charset=utf-8' }
  listener = await openOperate({ host: '127.0.0.1', port: 0, readiness, metrics })
})
afterEach(() => listener.close())

async function ask(path: string, method = 'GET', headers: Record<string, string> = {}) {
  const asked = request({ port: listener.address.port, host: '127.0.0.1', path, method, headers, agent: false })
  asked.end()
  const [response] = await once(asked, 'response')
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return { status: response.statusCode as number, body, headers: response.headers as Record<string, string> }
}

/** Everything that comes back for these bytes, until the other side closes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(listener.address.port, '127.0.0.1')
  let all = ''
  socket.setEncoding('latin1').on('data', chunk => {
    all += chunk
  })
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return all
}

describe('what is asked', () => {
  test('/healthz: the process answers', async () => {
    const { status, body, headers } = await ask('/healthz')
    expect({ status, body }).toEqual({ status: 200, body: 'ok\n' })
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  })

  test('/metrics, in the type that a scraper wants', async () => {
    const { status, body, headers } = await ask('/metrics')
    expect({ status, body }).toEqual({ status: 200, body: 'a_metric 1\n' })
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test('metrics that cannot be collected are a 500 without a reason, and the next scrape is answered', async () => {
    text = async () => Promise.reject(new Error('a secret'))
    expect(await ask('/metrics')).toMatchObject({ status: 500, body: 'the metrics could not be collected\n' })
    text = async () => 'again 1\n'
    expect(await ask('/metrics')).toMatchObject({ status: 200, body: 'again 1\n' })
  })

  test('HEAD has the length and no body', async () => {
    const { status, body, headers } = await ask('/healthz', 'HEAD')
    expect({ status, body, length: headers['content-length'] }).toEqual({ status: 200, body: '', length: '3' })
  })
})

describe('/readyz', () => {
  test('is 200 while no check has a problem, and 503 with a line for each that has', async () => {
    let crl: Problem | undefined
    readiness.add({ name: 'crl', problem: () => crl })
    readiness.add({ name: 'fine', problem: () => undefined })
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: 'ready\n' })
    crl = problem('accept/stale-crl', 'the CRL is old', { where: { file: 'acme.crl' } })
    readiness.add({ name: 'cluster', problem: () => problem('enforce/draining', 'it stops') })
    expect(await ask('/readyz')).toMatchObject({
      status: 503,
      body: 'crl: accept/stale-crl: the CRL is old (acme.crl)\ncluster: enforce/draining: it stops\n',
    })
    crl = undefined
    readiness.add({ name: 'cluster', problem: () => undefined })
    expect(await ask('/readyz')).toMatchObject({ status: 200 })
  })

  test('a check that throws is red', async () => {
    readiness.add({
      name: 'broken',
      problem: () => {
        throw new Error('a mistake')
      },
    })
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: 'broken: enforce/internal: a mistake\n' })
  })

  test('no reason can forge a line or drive a terminal', async () => {
    readiness.add({ name: 'crl', problem: () => problem('accept/stale-crl', 'old\nready\u001b[2J\u202e') })
    const { body } = await ask('/readyz')
    expect(body.split('\n')).toHaveLength(2)
    expect(body).not.toMatch(/[\u001b\u202e]/)
  })
})

describe('what else comes', () => {
  test.each(['/', '/metrics/', '/metrics?x=1', '/Healthz', '//healthz', '/healthz%00', '/../etc/passwd'])(
    '%s is 404',
    async path => {
      const { status, body } = await ask(path)
      expect({ status, body }).toEqual({ status: 404, body: 'only /healthz, /readyz and /metrics\n' })
    },
  )

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('%s is 405, and says what is allowed', async method => {
    const { status, headers } = await ask('/metrics', method, { 'content-length': '0' })
    expect({ status, allow: headers['allow'], connection: headers['connection'] }).toEqual({
      status: 405,
      allow: 'GET, HEAD',
      connection: 'close',
    })
  })

  test.each(['127.0.0.1:1', 'localhost', 'localhost:9464', '[::1]:9464'])('Host %s is this machine', async host => {
    expect(await ask('/healthz', 'GET', { host })).toMatchObject({ status: 200 })
  })

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:80',
    '10.0.0.1',
    'localhost@evil.example',
  ])('Host %s may be a web page that has given itself this address: 421', async host => {
    expect(await ask('/metrics', 'GET', { host })).toMatchObject({ status: 421 })
  })

  test('where other machines may ask, they may call it what they like', async () => {
    const metrics = { text, contentType: 'text/plain' }
    const open = await openOperate({ host: '0.0.0.0', port: 0, readiness, metrics })
    const response = await fetch(`http://127.0.0.1:${open.address.port}/healthz`, { headers: { connection: 'close' } })
    const asked = request({ port: open.address.port, host: '127.0.0.1', path: '/healthz', headers: { host: 'node-3' } })
    asked.end()
    const [named] = await once(asked, 'response')
    named.resume()
    expect([response.status, named.statusCode]).toEqual([200, 200])
    await open.close()
  })

  test('a body is not waited for', async () => {
    expect(await raw('GET /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n')).toMatch(
      /^HTTP\/1.1 413 /,
    )
    expect(await raw('GET /healthz HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n')).toMatch(
      /^HTTP\/1.1 413 /,
    )
    expect(
      await raw('POST / HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n'),
    ).toMatch(/^HTTP\/1.1 417 /)
  })

  test('a header above 8 KiB is refused and the connection closed', async () => {
    expect(await raw(`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(9000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    )
  })

  test.each([
    '\u0016\u0003\u0001 no HTTP at all',
    'GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost : b\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nhost: localhost\r\n\r\n',
  ])('what is no request gets no answer but an error, and the connection is closed: %j', async bytes => {
    expect(await raw(bytes)).toMatch(/^(?:HTTP\/1.1 400 |$)/)
  })

  test('connections beyond the limit are dropped, and those within it are answered', async () => {
    const open = Array.from({ length: 32 }, () => connect(listener.address.port, '127.0.0.1'))
    await Promise.all(open.map(socket => once(socket, 'connect')))
    // the listener has taken all of them once it has answered on the last
    const last = open[31] as ReturnType<typeof connect>
    last.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')
    expect(String((await once(last, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
    expect(await raw('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')).toBe('')
    for (const socket of open) socket.destroy()
  })
})

test('an address that is taken is an error of the system', async () => {
  const again = openOperate({
    host: '127.0.0.1',
    port: listener.address.port,
    readiness,
    metrics: { text, contentType: 'text/plain' },
  })
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
