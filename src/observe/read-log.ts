/** The decision log read back: what was decided, line by line, for whoever replays, explains or drafts from it. Pure. */
import { parseIdentityText } from '../policy/identity-text.ts'
import type { MappedIdentity } from '../policy/model.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import type { TracedAction } from '../trace.ts'
import { isCount, type LogFields, readFields } from './log-line.ts'

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
  /** A subscription to more than was allowed: delivery brought the allowed part. */
  readonly narrowed?: true
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

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isFact(value: unknown, isRight: (value: unknown) => boolean): boolean {
  return value === undefined || isRight(value)
}

/** Undefined where a fact is none that MQTT has: whatever came of it would be made up. */
function readAction(fields: LogFields): TracedAction | undefined {
  const verb = verbs.find(one => one === fields['action'])
  const topic = asText(fields['topic'])
  const { qos, retain, payloadBytes } = fields
  const isRight =
    isFact(qos, value => value === 0 || value === 1 || value === 2) &&
    isFact(retain, value => typeof value === 'boolean') &&
    isFact(payloadBytes, isCount)
  if (verb === undefined || topic === undefined || !isRight) return undefined
  return {
    verb,
    topic,
    ...(qos === undefined ? {} : { qos: qos as number }),
    ...(retain === undefined ? {} : { retain: retain as boolean }),
    ...(payloadBytes === undefined ? {} : { payloadBytes: payloadBytes as number }),
  }
}

function asAction(fields: LogFields, event: string): TracedAction | undefined {
  const clientId = asText(fields['clientId'])
  if (event === 'connected') return clientId === undefined ? undefined : { verb: 'connect', topic: clientId }
  return readAction(fields)
}

/** A Map: `constructor` is no event. */
const effects: ReadonlyMap<string, LoggedDecision['effect']> = new Map([
  ['permitted', 'permit'],
  ['connected', 'permit'],
  ['refused', 'refuse'],
  ['would-refuse', 'refuse'],
  ['connect-refused', 'refuse'],
])

const notALine = (line: number): Result<never> =>
  fail(
    problem('tool/not-a-log', 'this is not a line of a decision log', {
      where: { file: 'log', line, column: 1 },
      help: 'give the JSON log that `portcullis serve --log FILE` writes',
    }),
  )

/** A line that decides nothing. Every line of ours has its time; one of another log has another form of it, or none. */
function readOther(fields: LogFields, event: string, line: number): Result<LogEntry> {
  if (event === 'handshake-refused') return ok({ kind: 'nobody', event, code: asText(fields['code']) ?? '' })
  return asText(fields['time']) === undefined ? notALine(line) : ok({ kind: 'other', event })
}

/**
 * One line of a JSON decision log. Fails where it is no line of ours; a line about nobody or about no topic is told as such.
 * @example readLogLine('{"event":"permitted","device":"device:device=pump-7",…}', 1)
 */
export function readLogLine(text: string, line: number): Result<LogEntry> {
  const fields = readFields(text)
  const event = asText(fields?.['event'])
  if (fields === undefined || event === undefined) return notALine(line)
  const { count } = fields
  if (event === 'suppressed') return isCount(count) ? ok({ kind: 'suppressed', count }) : notALine(line)
  const effect = effects.get(event)
  if (effect === undefined) return readOther(fields, event, line)
  const code = asText(fields['code'])
  // before a CONNECT was read, or where a kept session has lost its owner, a refusal has neither
  const isAboutNobody = effect === 'refuse' && (fields['device'] === undefined || fields['action'] === undefined)
  if (isAboutNobody) return ok({ kind: 'nobody', event, code: code ?? '' })
  const identity = parseIdentityText(asText(fields['device']) ?? '')
  const action = asAction(fields, event)
  if (identity === undefined || !identity.ok || action === undefined) return notALine(line)
  return ok({
    kind: 'decision',
    decision: decisionOf(fields, { line, effect, action, code, event }, identity.value),
  })
}

function decisionOf(
  fields: LogFields,
  read: Pick<LoggedDecision, 'line' | 'effect' | 'action'> & { code: string | undefined; event: string },
  { kind, captures }: MappedIdentity,
): LoggedDecision {
  const { line, effect, action, code, event } = read
  const optional = {
    clientId: asText(fields['clientId']),
    reportOnly: event === 'would-refuse' ? true : undefined,
    narrowed: fields['narrowed'] === true ? true : undefined,
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
