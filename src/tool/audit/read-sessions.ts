/** Sessions of a running broker, as `portcullis session list --json` writes them: strictly parsed, unknown fields left alone. */
import { createReadStream } from 'node:fs'
import { readUtcTime } from '../../observe/log-line.ts'
import { ConfigurationError, fail, ok, problem, type Result } from '../../problem.ts'
import type { AuditedSession } from '../../prove/audit/evidence.ts'

/** Some 200 bytes for each of 300,000 sessions. */
const mostBytes = 67_108_864

type Check = (value: unknown) => unknown

const text: Check = value => (typeof value === 'string' && value !== '' ? value : undefined)
const matching =
  (pattern: RegExp): Check =>
  value =>
    typeof value === 'string' && pattern.test(value) ? value : undefined
const sha256 = matching(/^[0-9a-f]{64}$/)

/** Undefined is what no field may be. */
const required: Readonly<Record<string, Check>> = {
  clientId: value => (typeof value === 'string' ? value : undefined),
  identity: text,
  state: matching(/^(?:live|kept)$/),
}
const optional: Readonly<Record<string, Check>> = {
  address: text,
  fingerprint: sha256,
  serial: matching(/^[0-9a-f]{1,40}$/),
  issuerKeyId: sha256,
  since: readUtcTime,
  notAfter: readUtcTime,
}

function readSession(value: unknown, index: number): Result<AuditedSession> {
  const broken = (why: string): Result<never> =>
    fail(problem('tool/bad-sessions', `entry ${index + 1} of the sessions ${why}`))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return broken('is no object')
  const fields = value as Readonly<Record<string, unknown>>
  const read: Record<string, unknown> = {}
  for (const [name, check] of [...Object.entries(required), ...Object.entries(optional)]) {
    const given = Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined
    if (given === undefined && Object.hasOwn(optional, name)) continue
    const checked = check(given)
    if (checked === undefined)
      return broken(given === undefined ? `has no \`${name}\`` : `has a \`${name}\` of another form`)
    read[name] = checked
  }
  return ok(read as unknown as AuditedSession)
}

/** @example parseSessions('[{"clientId":"pump-7","identity":"device:device=pump-7","state":"live"}]') */
export function parseSessions(json: string): Result<readonly AuditedSession[]> {
  let list: unknown
  try {
    list = JSON.parse(json)
  } catch {
    list = undefined
  }
  if (!Array.isArray(list)) return fail(problem('tool/bad-sessions', 'the sessions are no JSON array'))
  const sessions: AuditedSession[] = []
  for (const [index, value] of list.entries()) {
    const session = readSession(value, index)
    if (!session.ok) return session
    sessions.push(session.value)
  }
  return ok(sessions)
}

/** `-`: standard input. Rejects with ConfigurationError where it cannot be read, or is something else. */
export async function readSessions(path: string): Promise<readonly AuditedSession[]> {
  const file = path === '-' ? '(stdin)' : path
  const read = parseSessions(await readText(path, file))
  if (read.ok) return read.value
  throw new ConfigurationError([
    { ...read.problem, where: { file }, help: 'give what `portcullis session list --json` writes' },
  ])
}

async function readText(path: string, file: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of path === '-' ? process.stdin : createReadStream(path)) {
      bytes += (chunk as Uint8Array).length
      if (bytes > mostBytes) break
      chunks.push(chunk as Uint8Array)
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    throw new ConfigurationError([
      problem('config/unreadable-file', `the sessions cannot be read (${code})`, { where: { file } }),
    ])
  }
  if (bytes <= mostBytes) return Buffer.concat(chunks).toString('utf8')
  throw new ConfigurationError([
    problem('tool/bad-sessions', `the file has more than ${mostBytes} bytes`, { where: { file } }),
  ])
}
