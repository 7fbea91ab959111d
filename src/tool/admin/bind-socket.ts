/**
 * Makes the admin socket: owner only from its first moment on, over nothing but a socket that nobody answers at any more. It is bound
 * in a folder of its own (0700) beside its place, narrowed to 0600, and linked to its place, which fails where anything is.
 */
import { once } from 'node:events'
import { chmod, link, lstat, mkdir, mkdtemp, rename, rm, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { ConfigurationError, type Problem, problem } from '../../problem.ts'
import { shownPath } from '../ca/ca-text.ts'
import { longestPath, tooLong } from './longest-path.ts'

/** How often somebody else may have been faster. */
const attempts = 5

/**
 * Listens there. Resolves with what removes the socket again, unless it is another's by then. Rejects with ConfigurationError where
 * a living process has it, something else stands there, or the path cannot be used.
 * @param path absolute
 */
export async function bindSocket(server: Server, path: string): Promise<() => Promise<void>> {
  requireLength(path)
  const room = await makeRoom(path)
  const own = join(room, 's')
  try {
    server.listen(own)
    await once(server, 'listening')
    await chmod(own, 0o600)
    await place(own, path, room)
    const { ino, dev } = await lstat(path)
    return () => removeOwn(path, ino, dev)
  } catch (error) {
    server.close()
    throw problemOf(path, error)
  } finally {
    await rm(room, { recursive: true, force: true })
  }
}

/** The folder to bind in has a name of its own, of at most ten bytes with what is in it. */
function requireLength(path: string): void {
  const inRoom = longestPath - '/.123456/s'.length + Buffer.byteLength(`/${basename(path)}`)
  const p = tooLong(path, Math.min(longestPath, inRoom))
  if (p !== undefined) throw new ConfigurationError([p])
}

async function makeRoom(path: string): Promise<string> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    // mkdtemp makes it 0700; `join` would take the dot away, and with it the folder
    return await mkdtemp(`${dirname(path)}/.`)
  } catch (error) {
    throw problemOf(path, error)
  }
}

/** Links it there, and looks whether it stays: of several that clear a dead one away, one may have moved another's for a moment. */
async function place(own: string, path: string, room: string): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      await link(own, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (await isSame(own, path)) return
    await clear(path, join(room, 'old'))
  }
  throw refusal('config/admin-in-use', `another process keeps taking the admin socket ${shownPath(path)}`)
}

async function isSame(own: string, path: string): Promise<boolean> {
  const [one, other] = await Promise.all([own, path].map(file => lstat(file).catch(() => undefined)))
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev
}

/** Takes a stale socket away. Moved first and looked at again, since another start may have put its own there meanwhile. */
async function clear(path: string, aside: string): Promise<void> {
  const before = await lstat(path).catch(() => undefined)
  if (before === undefined) return
  if (!before.isSocket()) {
    throw refusal('config/admin-foreign', `${shownPath(path)} is no socket, and is left as it is`)
  }
  if (await isAnswered(path)) {
    throw refusal('config/admin-in-use', `another process answers at the admin socket ${shownPath(path)}`)
  }
  const isMoved = await rename(path, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      // somebody else has taken it away
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
  if (!isMoved) return
  const moved = await lstat(aside)
  if (moved.ino === before.ino && moved.dev === before.dev) return unlink(aside)
  await link(aside, path).catch((error: NodeJS.ErrnoException) => {
    // somebody else has the place by now
    if (error.code !== 'EEXIST') throw error
  })
  await unlink(aside)
}

/** Whether a process listens there. One that may not be asked is one. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
  })
}

async function removeOwn(path: string, ino: number, dev: number): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there?.ino === ino && there.dev === dev) await unlink(path)
}

function refusal(
  code: Problem['code'],
  sentence: string,
  help = 'name another one with --admin FILE',
): ConfigurationError {
  return new ConfigurationError([problem(code, sentence, { help })])
}

function problemOf(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof ConfigurationError || code === undefined) return error
  const help = 'name a path in a folder that you may write to with --admin FILE'
  return refusal('config/admin-path', `the admin socket ${shownPath(path)} cannot be made (${code})`, help)
}
