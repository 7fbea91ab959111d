/** The decision log read back: what was decided, line by line, for whoever replays, explains or drafts from it. Pure. */
import { parseIdentityText } from '../policy/identity-text.ts'
import type { MappedIdentity } from '../policy/model.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import type { TracedAction } from '../trace.ts'

/** One decision of the log: of a connection (`connect`) or of an action of a bound session. */
export interface LoggedDecision {
  /** Line of the log, from 1. */
  readonly line: number
  /** ISO 8601, as written. */
  readonly time: string
  readonly effect: 'permit' | 'refuse'
  /** Identity kind, as in `device`. */
  readonly identity: string
  readonly captures: ReadonlyMap<string, string>
  readonly clientId?: string
  readonly address: string
  readonly action: TracedAction
  /** Refused by the policy, but let pass: topics were only reported. */
  readonly reportOnly?: true
  /** Code of a refusal. */
  readonly code?: string
  /** `file:line:column` of the deciding rule, where one decided. */
  readonly rule?: string
  /** Revision of the policy that decided; none for a refused connection. */
  readonly revision?: string
}

/** What a line of the log is: a decision, or something else, with why it is none. */
export type LogEntry =
  | { readonly kind: 'decision'; readonly decision: LoggedDecision }
  /** An event that decides nothing about a topic: a reload, a connection that came or went. */
  | { readonly kind: 'other'; readonly event: string }
  /** Refusals that were only counted: what they were about is not known. */
  | { readonly kind: 'suppressed'; readonly count: number }
  /** A refusal before anybody was known: no policy can be asked about it. */
  | { readonly kind: 'nobody'; readonly event: string; readonly code: string }

const verbs = ['connect', 'publish', 'subscribe', 'receive', 'will'] as const
type Fields = Readonly<Record<string, unknown>>

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function readFields(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
  } catch {
    return undefined
  }
}

function readAction(fields: Fields): TracedAction | undefined {
  const verb = verbs.find(one => one === fields['action'])
  const topic = asText(fields['topic'])
  if (verb === undefined || topic === undefined) return undefined
  const { qos, retain, payloadBytes } = fields
  return {
    verb,
    topic,
    ...(typeof qos === 'number' ? { qos } : {}),
    ...(typeof retain === 'boolean' ? { retain } : {}),
    ...(typeof payloadBytes === 'number' ? { payloadBytes } : {}),
  }
}

function asAction(fields: Fields, event: string): TracedAction | undefined {
  const clientId = asText(fields['clientId'])
  if (event === 'connected') return clientId === undefined ? undefined : { verb: 'connect', topic: clientId }
  return readAction(fields)
}

const effects: Readonly<Record<string, LoggedDecision['effect']>> = {
  permitted: 'permit',
  connected: 'permit',
  refused: 'refuse',
  'would-refuse': 'refuse',
  'connect-refused': 'refuse',
}

/**
 * One line of a JSON decision log. Fails where it is no line of ours; a line about nobody or about no topic is told as such.
 * @example readLogLine('{"event":"permitted","device":"device:device=pump-7",…}', 1)
 */
export function readLogLine(text: string, line: number): Result<LogEntry> {
  const fields = readFields(text)
  const event = asText(fields?.['event'])
  if (fields === undefined || event === undefined) {
    return fail(
      problem('tool/not-a-log', 'this is not a line of a decision log', {
        where: { file: 'log', line, column: 1 },
        help: 'give the JSON log that `portcullis serve --log FILE` writes',
      }),
    )
  }
  if (event === 'suppressed') return ok({ kind: 'suppressed', count: Number(fields['count']) || 0 })
  const effect = effects[event]
  const code = asText(fields['code'])
  if (effect === undefined) {
    return ok(event === 'handshake-refused' ? { kind: 'nobody', event, code: code ?? '' } : { kind: 'other', event })
  }
  const identity = parseIdentityText(asText(fields['device']) ?? '')
  const action = asAction(fields, event)
  if (identity === undefined || !identity.ok || action === undefined)
    return ok({ kind: 'nobody', event, code: code ?? '' })
  const decision = decisionOf(fields, { line, effect, action, code }, identity.value)
  return ok({ kind: 'decision', decision: event === 'would-refuse' ? { ...decision, reportOnly: true } : decision })
}

function decisionOf(
  fields: Fields,
  { line, effect, action, code }: Pick<LoggedDecision, 'line' | 'effect' | 'action'> & { code: string | undefined },
  { kind, captures }: MappedIdentity,
): LoggedDecision {
  const optional = {
    clientId: asText(fields['clientId']),
    rule: asText(fields['rule']),
    revision: asText(fields['revision']),
    code,
  }
  const present = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  return {
    line,
    time: asText(fields['time']) ?? '',
    effect,
    identity: kind,
    captures,
    address: asText(fields['address']) ?? '',
    action,
    ...present,
  }
}
