/**
 * The protocol of the admin socket: one request a connection, as one JSON object on one line; one or more answers, each a line, and
 * then the broker closes. An answer has `version` and either `ok: true` or `problem`.
 */
import { parseTopicFilter } from '../../policy/topic.ts'
import { fail, ok, type Problem, problem, type Result } from '../../problem.ts'

/** Rises with every change that an older side would misread. */
export const adminVersion = 1

/** The longest request, in bytes. A client id may have 65,535, and JSON may write each as six. */
export const longestRequest: number = 512 * 1024
/** The longest answer, in bytes: a page of sessions, or everything of one. */
export const longestAnswer: number = 64 * 1024 * 1024

/** Patterns of one request. */
export const mostPatterns = 16
/** Characters of one. */
const longestPattern = 1024

export interface WatchFilter {
  readonly refused: boolean
  /** Patterns of which one must fit; empty: everybody. */
  readonly who: readonly string[]
  readonly topic: string | undefined
}

export type AdminRequest =
  | { readonly command: 'status' }
  | { readonly command: 'session list'; readonly identity: readonly string[] }
  | { readonly command: 'session show'; readonly clientId: string }
  | { readonly command: 'session kick'; readonly clientId: string; readonly forget: boolean }
  | ({ readonly command: 'watch'; readonly format: 'json' | 'plain' } & WatchFilter)

/** One line to the broker. */
export function requestLine(request: AdminRequest): string {
  return `${JSON.stringify({ version: adminVersion, ...request })}\n`
}

export type Answer = { readonly ok: true } & Readonly<Record<string, unknown>>

/** One line from the broker. */
export function answerLine(answer: Answer | { readonly problem: Problem }): string {
  return `${JSON.stringify({ version: adminVersion, ...answer })}\n`
}

/** An object of JSON. A Map, so that no key is one that every object has. */
export function readObject(text: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? new Map(Object.entries(value)) : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads one request strictly: an unknown command, an unknown key or a value of another form is `tool/admin-request`. The version comes
 * first, since another one may have other keys.
 */
export function readRequest(text: string): Result<AdminRequest> {
  const fields = readObject(text)
  if (fields === undefined) return bad('the request is not one JSON object')
  const version = fields.get('version')
  if (version !== adminVersion) {
    const sentence = `the command speaks version ${String(version)} of the admin protocol, and this broker version ${adminVersion}`
    return fail(
      problem('tool/admin-version', sentence, { help: 'use the portcullis that the broker was started with' }),
    )
  }
  const command = fields.get('command')
  const form = typeof command === 'string' ? forms.get(command) : undefined
  if (form === undefined)
    return bad('the request names no command that there is', `one of ${[...forms.keys()].join(', ')}`)
  for (const key of fields.keys()) {
    if (key !== 'version' && key !== 'command' && !Object.hasOwn(form, key))
      return bad(`\`${command}\` takes no such key`)
  }
  for (const [key, isRight] of Object.entries(form)) {
    if (!isRight(fields.get(key))) return bad(`\`${key}\` of \`${command}\` is missing or of another form`)
  }
  return ok(Object.fromEntries([...fields].filter(([key]) => key !== 'version')) as unknown as AdminRequest)
}

type IsRight = (value: unknown) => boolean

const isFlag: IsRight = value => typeof value === 'boolean'
const isClientId: IsRight = value => typeof value === 'string' && value.length <= 65_535
const isPattern: IsRight = value => typeof value === 'string' && value !== '' && value.length <= longestPattern
const isPatterns: IsRight = value => Array.isArray(value) && value.length <= mostPatterns && value.every(isPattern)

const forms: ReadonlyMap<string, Readonly<Record<string, IsRight>>> = new Map<string, Record<string, IsRight>>([
  ['status', {}],
  ['session list', { identity: isPatterns }],
  ['session show', { clientId: isClientId }],
  ['session kick', { clientId: isClientId, forget: isFlag }],
  [
    'watch',
    {
      refused: isFlag,
      who: isPatterns,
      topic: value => value === undefined || (typeof value === 'string' && parseTopicFilter(value).ok),
      format: value => value === 'json' || value === 'plain',
    },
  ],
])

function bad(sentence: string, help = 'docs/admin.md lists the commands and their keys'): Result<never> {
  return fail(problem('tool/admin-request', sentence, { help }))
}
