/** The command's side of the admin socket against whatever may stand there instead of a broker. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AdminError, askAdmin, askOnce } from '../../../src/tool/admin/ask-admin.ts'

let folder: string
let path: string
let server: Server | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adm-'))
  path = join(folder, 'admin.sock')
})
afterEach(async () => {
  server?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Something that says this to everybody who asks, and closes. */
function saying(text: string): Promise<void> {
  return new Promise(resolve => {
    server = createServer(socket => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end(text))
    }).listen(path, resolve)
  })
}

async function codeOf(asked: Promise<unknown>): Promise<string> {
  const error: unknown = await asked.catch((reason: unknown) => reason)
  if (!(error instanceof AdminError)) throw new Error('not refused')
  return error.problem.code
}

const status = () => askOnce(path, { command: 'status' })

test('nobody there, a file there, a dead one there', async () => {
  expect(await codeOf(status())).toBe('tool/no-broker')
  await writeFile(path, 'x')
  expect(await codeOf(status())).toBe('tool/no-broker')
})

test.each([
  ['nothing', '', 'tool/admin-answer'],
  ['something else', 'SSH-2.0-x\n', 'tool/admin-answer'],
  ['half an answer', '{"version":1,"ok":tr', 'tool/admin-answer'],
  ['an answer without a version', '{"ok":true}\n', 'tool/admin-answer'],
  ['an answer that is neither yes nor no', '{"version":1}\n', 'tool/admin-answer'],
  ['an answer of another version', '{"version":2,"ok":true}\n', 'tool/admin-version'],
  ['a problem', '{"version":1,"problem":{"code":"tool/no-session","sentence":"x"}}\n', 'tool/no-session'],
  ['a problem that there is not', '{"version":1,"problem":{"code":"x","sentence":"x"}}\n', 'tool/admin-answer'],
  ['a problem of every object', '{"version":1,"problem":{"code":"toString","sentence":"x"}}\n', 'tool/admin-answer'],
  ['a problem that is none', '{"version":1,"problem":null}\n', 'tool/admin-answer'],
])('%s', async (_what, text, code) => {
  await saying(text)
  expect(await codeOf(status())).toBe(code)
})

test('a line that never ends is not waited for', { timeout: 60_000 }, async () => {
  server = createServer(socket => {
    socket.on('error', () => undefined)
    const chunk = 'x'.repeat(1024 * 1024)
    const go = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.on('drain', go)
    socket.once('data', go)
  })
  await new Promise<void>(resolve => server?.listen(path, resolve))
  expect(await codeOf(status())).toBe('tool/admin-answer')
})

test('an interrupt ends it without a word', async () => {
  await saying('{"version":1,"ok":true}\n')
  const stop = new AbortController()
  stop.abort()
  for await (const _ of askAdmin(path, { command: 'status' }, stop.signal)) throw new Error('told all the same')
})
