/** The broker's side of the admin socket against clients that do what they like. Real sockets. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminClient, AdminServer, type AnswerAdmin } from '../../../src/tool/admin/admin-server.ts'
import { askOnce } from '../../../src/tool/admin/ask-admin.ts'
import { type AdminRequest, longestRequest } from '../../../src/tool/admin/protocol.ts'

let folder: string
let path: string
let server: AdminServer
const asked: AdminRequest[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adm-'))
  path = join(folder, 'admin.sock')
  asked.length = 0
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const answer: AnswerAdmin = (request, client) => {
  asked.push(request)
  return client.send({ ok: true, heard: request.command })
}

async function open(options: Partial<Parameters<typeof AdminServer.open>[0]> = {}): Promise<void> {
  server = await AdminServer.open({ path, answer, ...options })
}

async function dial(): Promise<Socket> {
  const socket = connect(path)
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  return socket
}

/** Everything that comes until the broker closes. */
async function listen(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  await once(socket, 'close')
  return text
}

async function say(bytes: string | Buffer): Promise<string> {
  const socket = await dial()
  const heard = listen(socket)
  socket.write(bytes)
  return heard
}

const status = '{"version":1,"command":"status"}\n'
const told = async (bytes: string | Buffer): Promise<unknown> => {
  const lines = (await say(bytes)).split('\n')
  expect(lines).toHaveLength(2)
  return JSON.parse(lines[0] ?? '')
}

test('one request, its answer, and the end', async () => {
  await open()
  expect(await say(status)).toBe('{"version":1,"ok":true,"heard":"status"}\n')
  expect(asked).toEqual([{ command: 'status' }])
})

test('one that closes its half after asking is answered', async () => {
  await open()
  const socket = await dial()
  const heard = listen(socket)
  socket.end(status)
  expect(await heard).toContain('"heard":"status"')
})

test('a request that comes byte by byte', async () => {
  await open()
  const socket = await dial()
  socket.setNoDelay(true)
  const heard = listen(socket)
  for (const byte of Buffer.from(status)) {
    await new Promise<void>(resolve => socket.write(Buffer.of(byte), () => resolve()))
  }
  expect(await heard).toContain('"heard":"status"')
})

describe('a request that is none', () => {
  const request = (fields: object): string => `${JSON.stringify({ version: 1, ...fields })}\n`
  const watch = { command: 'watch', refused: false, who: [], format: 'json' }
  test.each([
    ['nothing', '\n'],
    ['no JSON', 'status\n'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
    ['an array', '[]\n'],
    ['null', 'null\n'],
    ['no command', request({})],
    ['an unknown command', request({ command: 'shutdown' })],
    ['a command of every object', request({ command: 'constructor' })],
    ['a command that is no text', request({ command: ['status'] })],
    ['a key too many', request({ command: 'status', verbose: true })],
    ['a key of every object', '{"version":1,"command":"status","__proto__":{}}\n'],
    ['a key too few', request({ command: 'session kick', clientId: 'pump-7' })],
    ['a client id that is no text', request({ command: 'session show', clientId: 7 })],
    ['a client id that is too long', request({ command: 'session show', clientId: 'x'.repeat(65_536) })],
    ['patterns that are no list', request({ command: 'session list', identity: 'device' })],
    ['too many patterns', request({ command: 'session list', identity: Array(17).fill('device') })],
    ['a pattern that is too long', request({ command: 'session list', identity: ['x'.repeat(1025)] })],
    ['an empty pattern', request({ command: 'session list', identity: [''] })],
    ['a topic that is no filter', request({ ...watch, topic: 'a/#/b' })],
    ['another format', request({ ...watch, format: 'html' })],
  ])('%s', async (_what, bytes) => {
    await open()
    expect(await told(bytes)).toMatchObject({ version: 1, problem: { code: 'tool/admin-request' } })
    expect(asked).toEqual([])
  })

  test('of another version, whatever else it says', async () => {
    await open()
    for (const version of ['2', '"1"', 'null', '1e999'])
      expect(await told(`{"version":${version},"anything":1}\n`)).toMatchObject({
        problem: { code: 'tool/admin-version' },
      })
  })
})

describe('limits', () => {
  test('a request is as long as it may be, and no longer', async () => {
    await open()
    const padded = (length: number): string => `${status.trimEnd().padEnd(length)}\n`
    expect(await told(padded(longestRequest))).toMatchObject({ ok: true })
    expect(await told(padded(longestRequest + 1))).toMatchObject({ problem: { code: 'tool/admin-request' } })
    // nor is one waited for that never ends
    expect(await told('x'.repeat(longestRequest + 1))).toMatchObject({ problem: { code: 'tool/admin-request' } })
  })

  test('what comes behind a request ends the connection, unanswered', async () => {
    await open()
    expect(await say(status + status)).toBe('')
    expect(await say(`${status}x`)).toBe('')
    expect(asked).toEqual([])
  })

  test('one that says nothing is closed', async () => {
    await open({ requestMs: 50 })
    expect(await listen(await dial())).toBe('')
    expect(await say('{"version":1')).toBe('')
  })

  test('no more clients than there may be; a place is free again when one goes', async () => {
    await open({ clients: 2 })
    const first = await dial()
    const second = await dial()
    expect(await told(status)).toMatchObject({ problem: { code: 'tool/admin-busy' } })
    await expect(askOnce(path, { command: 'status' })).rejects.toMatchObject({ problem: { code: 'tool/admin-busy' } })
    const closed = once(first, 'close')
    first.end()
    await closed
    expect(await say(status)).toContain('"heard"')
    second.destroy()
  })
})

test('a client that does not read is waited for, and one that goes is not', async () => {
  const stuck = deferred<AdminClient>()
  const finished = deferred<number>()
  await open({
    answer: async (_, client) => {
      let sent = 0
      while (!client.hasGone()) {
        const sending = client.send({ ok: true, page: 'x'.repeat(64 * 1024) })
        const isStuck = await Promise.race([sending.then(() => false), manyTurns().then(() => true)])
        if (isStuck) stuck.resolve(client)
        await sending
        sent++
      }
      finished.resolve(sent)
    },
  })
  const socket = await dial()
  socket.pause()
  socket.write(status)
  // what the system takes, and then it waits
  expect((await stuck.promise).isDrained()).toBe(false)
  socket.destroy()
  expect(await finished.promise).toBeLessThan(100)
})

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Many turns of the event loop: what the system takes, it takes within a few. */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await setImmediate()
}

test('one that does not take its answer loses its place, however little is left of it', async () => {
  const finished = deferred<boolean>()
  await open({
    stallMs: 100,
    answer: async (_, client) => {
      while (!client.hasGone()) await client.send({ ok: true, page: 'x'.repeat(64 * 1024) })
      finished.resolve(true)
    },
  })
  const socket = await dial()
  socket.pause()
  socket.write(status)
  expect(await finished.promise).toBe(true)
})

test('an answer that fails is told as such, and the next one works', async () => {
  await open({
    answer: async (request, client) => {
      if (request.command === 'status') throw new Error('a mistake of ours')
      await answer(request, client)
    },
  })
  expect(await told(status)).toMatchObject({ problem: { code: 'enforce/internal' } })
  expect(await told('{"version":1,"command":"session list","identity":[]}\n')).toMatchObject({ ok: true })
})
