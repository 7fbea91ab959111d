/** Asks a running broker over its admin socket: one request, and its answers as they come. */
import { connect, type Socket } from 'node:net'
import { type Problem, type ProblemCode, problem } from '../../problem.ts'
import { problemCodes } from '../../problem-codes.ts'
import { shownPath } from '../ca/ca-text.ts'
import { LineReader } from './line-reader.ts'
import { tooLong } from './longest-path.ts'
import { type AdminRequest, adminVersion, longestAnswer, readObject, requestLine } from './protocol.ts'

/** What a broker said, its envelope taken off. */
export type Fields = ReadonlyMap<string, unknown>

/** Why a command got no answer, or a problem for one. */
export class AdminError extends Error {
  override readonly name: string = 'AdminError'
  readonly problem: Problem

  constructor(p: Problem) {
    super(p.sentence)
    this.problem = p
  }
}

/**
 * The answers to one request. Ends when the broker closes; whether that was the end of the answer is the caller's to know. Throws
 * AdminError where nobody answers, or a problem comes back.
 * @example for await (const fields of askAdmin(path, { command: 'status' })) …
 */
export async function* askAdmin(path: string, request: AdminRequest, signal?: AbortSignal): AsyncGenerator<Fields> {
  const socket = await open(path)
  const stop = (): void => void socket.destroy()
  if (signal?.aborted) return stop()
  signal?.addEventListener('abort', stop)
  try {
    socket.write(requestLine(request))
    const lines = new LineReader(longestAnswer)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      const whole = lines.take(chunk)
      if (whole === 'too-long') throw new AdminError(notOurs(path))
      for (const line of whole) yield readAnswer(path, line)
    }
    if (lines.isWithin) throw new AdminError(cut(path))
  } catch (error) {
    if (signal?.aborted) return
    if (error instanceof AdminError || (error as NodeJS.ErrnoException).code === undefined) throw error
    throw new AdminError(cut(path))
  } finally {
    signal?.removeEventListener('abort', stop)
    socket.destroy()
  }
}

/** The only answer, or the first. */
export async function askOnce(path: string, request: AdminRequest): Promise<Fields> {
  for await (const fields of askAdmin(path, request)) return fields
  throw new AdminError(cut(path))
}

/** What an answer must have and has not. */
export function notOurs(path: string): Problem {
  return problem('tool/admin-answer', `what answers at ${shownPath(path)} is no broker of ours`, {
    help: 'name the admin socket of the broker with --admin',
  })
}

export function cut(path: string): Problem {
  return problem('tool/admin-answer', `the broker at ${shownPath(path)} stopped before its answer was whole`, {
    help: 'its log says why; then try again',
  })
}

function open(path: string): Promise<Socket> {
  const p = tooLong(path)
  if (p !== undefined) throw new AdminError(p)
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => reject(new AdminError(unreached(path, error.code))))
  })
}

function unreached(path: string, code: string | undefined): Problem {
  const shown = shownPath(path)
  if (code === 'EACCES' || code === 'EPERM') {
    return problem('tool/admin-denied', `you may not open the admin socket ${shown}`, {
      help: 'run this as the user that the broker runs as',
    })
  }
  const isGone = code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK'
  return problem('tool/no-broker', `no broker answers at ${shown}${isGone ? '' : ` (${code})`}`, {
    help: 'start one with `portcullis serve`, or name its socket with --admin',
  })
}

function readAnswer(path: string, line: string): Fields {
  const fields = readObject(line)
  const version = fields?.get('version')
  if (fields === undefined || !Number.isSafeInteger(version)) throw new AdminError(notOurs(path))
  if (version !== adminVersion) {
    const sentence = `the broker at ${shownPath(path)} speaks version ${version} of the admin protocol, and this command version ${adminVersion}`
    throw new AdminError(
      problem('tool/admin-version', sentence, { help: 'use the portcullis that the broker was started with' }),
    )
  }
  const told = fields.get('problem')
  if (told !== undefined) throw new AdminError(readProblem(told) ?? notOurs(path))
  if (fields.get('ok') !== true) throw new AdminError(notOurs(path))
  return fields
}

function readProblem(told: unknown): Problem | undefined {
  const { code, sentence, help } = (told ?? {}) as Readonly<Record<string, unknown>>
  if (typeof code !== 'string' || typeof sentence !== 'string' || !Object.hasOwn(problemCodes, code)) return undefined
  return problem(code as ProblemCode, sentence, { help: typeof help === 'string' ? help : undefined })
}
