/** A line of the decision log as an event: what happened, when, to which certificate, from where. `read-log.ts` reads what was decided. Pure. */
import { isCount, readFields, readUtcTime } from './log-line.ts'

export interface LogEvent {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly event: string
  readonly address?: string
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint?: string
  /** `device:site=s1,device=pump-7`, as written: text of anybody until somebody knows it. */
  readonly device?: string
  readonly clientId?: string
  readonly code?: string
  /** Of `suppressed`: refusals that were only counted. */
  readonly count?: number
}

const texts = ['address', 'fingerprint', 'device', 'clientId', 'code'] as const

/**
 * Undefined where it is no line of a decision log: a field that has another form is not guessed at.
 * @example readLogEvent('{"level":"info","time":"2026-11-28T10:00:00.000Z","event":"connected",…}')
 */
export function readLogEvent(text: string): LogEvent | undefined {
  const fields = readFields(text)
  const time = readUtcTime(fields?.['time'])
  const event = fields?.['event']
  if (fields === undefined || time === undefined || typeof event !== 'string') return undefined
  const { fingerprint, count } = fields
  if (texts.some(name => fields[name] !== undefined && typeof fields[name] !== 'string')) return undefined
  if (fingerprint !== undefined && !/^[0-9a-f]{64}$/.test(fingerprint as string)) return undefined
  if (count !== undefined && !isCount(count)) return undefined
  const known = [...texts, 'count'].flatMap(name => (fields[name] === undefined ? [] : [[name, fields[name]]]))
  return { time, event, ...(Object.fromEntries(known) as Partial<LogEvent>) }
}
