/** The admin socket as a file: whose it is, what it may replace, what it leaves. Real sockets, real processes. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigurationError } from '../../../src/problem.ts'
import { bindSocket } from '../../../src/tool/admin/bind-socket.ts'

let folder: string
let path: string
const servers: Server[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adm-'))
  path = join(folder, 'admin.sock')
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(folder, { recursive: true, force: true })
})

function newServer(): Server {
  const server = createServer(socket => {
    // who only asks whether somebody is there does not wait for the answer
    socket.on('error', () => undefined)
    socket.end('hello')
  })
  servers.push(server)
  return server
}

async function codeOf(bound: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await bound.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error !== undefined && !(error instanceof ConfigurationError)) throw error
  return error?.problems[0]?.code
}

async function heard(at: string): Promise<string> {
  const socket = connect(at)
  const [data] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return data.toString()
}

/** A socket that a process has left by being killed. */
async function leaveStale(): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

test('it is the owner’s alone, whatever the umask, and nothing but it is left beside it', async () => {
  const before = process.umask(0)
  try {
    await bindSocket(newServer(), path)
  } finally {
    process.umask(before)
  }
  expect((await lstat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['admin.sock'])
  expect(await heard(path)).toBe('hello')
})

test.skipIf(process.getuid?.() !== 0)('another user may not connect', async () => {
  await chmod(folder, 0o755)
  await bindSocket(newServer(), path)
  const script = `require('node:net').connect(${JSON.stringify(path)}).on('error', e => console.log(e.code)).on('connect', () => process.exit(1))`
  const { stdout, status } = spawnSync(process.execPath, ['-e', script], { uid: 65_534, gid: 65_534, encoding: 'utf8' })
  expect([stdout, status]).toEqual(['EACCES\n', 0])
})

test('what it makes on the way is its owner’s alone too', async () => {
  const server = newServer()
  const listen = server.listen.bind(server)
  let mode = 0
  let room = ''
  server.listen = ((at: string) => {
    room = join(at, '..')
    void lstat(join(at, '..')).then(facts => {
      mode = facts.mode & 0o777
    })
    return listen(at)
  }) as typeof server.listen
  await bindSocket(server, path)
  expect(mode).toBe(0o700)
  expect(room).toMatch(new RegExp(`^${folder}/\\.\\w{6}$`))
})

test('a missing folder is made, for its owner alone', async () => {
  await bindSocket(newServer(), join(folder, 'run', 'portcullis', 'admin.sock'))
  expect((await lstat(join(folder, 'run'))).mode & 0o777).toBe(0o700)
})

test('the socket of a dead process is replaced', async () => {
  await leaveStale()
  expect((await lstat(path)).isSocket()).toBe(true)
  await bindSocket(newServer(), path)
  expect(await heard(path)).toBe('hello')
})

test('that of a living one is a problem, and stays', async () => {
  await bindSocket(newServer(), path)
  expect(await codeOf(bindSocket(newServer(), path))).toBe('config/admin-in-use')
  expect(await heard(path)).toBe('hello')
  expect(await readdir(folder)).toEqual(['admin.sock'])
})

test('of two that find a dead one at once, one gets the place', async () => {
  await leaveStale()
  const codes = await Promise.all([1, 2].map(() => codeOf(bindSocket(newServer(), path))))
  expect(codes.filter(code => code === undefined)).toHaveLength(1)
  expect(new Set(codes)).toEqual(new Set([undefined, 'config/admin-in-use']))
  expect(await heard(path)).toBe('hello')
})

test.each([
  ['a file', () => writeFile(path, 'precious')],
  ['a folder', () => mkdir(path)],
  [
    'a link to a file',
    async () => {
      await writeFile(join(folder, 'file'), 'precious')
      await symlink('file', path)
    },
  ],
  ['a link to nothing', () => symlink('nowhere', path)],
])('%s is never removed', async (_what, put) => {
  await put()
  const { ino } = await lstat(path)
  expect(await codeOf(bindSocket(newServer(), path))).toBe('config/admin-foreign')
  expect((await lstat(path)).ino).toBe(ino)
})

test('a path that the system would cut is refused, the longest that it takes is not', async () => {
  const most = process.platform === 'darwin' ? 103 : 107
  const named = (length: number): string => join(folder, 'x'.repeat(length - folder.length - 1))
  expect(await codeOf(bindSocket(newServer(), named(most + 1)))).toBe('config/admin-path')
  await bindSocket(newServer(), named(most))
  expect(await heard(named(most))).toBe('hello')
})

test('a folder that is none', async () => {
  await writeFile(join(folder, 'file'), 'precious')
  expect(await codeOf(bindSocket(newServer(), join(folder, 'file', 'admin.sock')))).toBe('config/admin-path')
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('precious')
})

test('it goes with the broker, but what stands there then and is another’s does not', async () => {
  const remove = await bindSocket(newServer(), path)
  await remove()
  expect(await readdir(folder)).toEqual([])
  const removeAgain = await bindSocket(newServer(), path)
  await unlink(path)
  await writeFile(path, 'precious')
  await removeAgain()
  expect(await readFile(path, 'utf8')).toBe('precious')
})
