/** What an audit found, for a person, line by line, and for a machine. */

import { auditCodes, auditLevels } from '../../prove/audit/audit-checks.ts'
import type { Audit, Shortfall } from '../../prove/audit/audit-fleet.ts'
import { timeText } from '../../prove/audit/evidence.ts'
import type { Finding } from '../../prove/audit/finding.ts'
import type { LogFacts } from '../../prove/audit/log-facts.ts'
import { count, type Tone } from '../io.ts'

/** Findings of one check that a person is shown; `--json` has all. */
const shownOfEach = 20

export interface Told {
  readonly text: string
  readonly tone: Tone
}

export interface AuditContext {
  readonly log: LogFacts | undefined
  /** What reading the inputs left to tell. */
  readonly notes: readonly string[]
}

const plain = (text: string): Told => ({ text, tone: 'plain' })
const indent = ' '.repeat(32)

/** Three lines: what and whom, why, and what to do. */
function findingLines({ level, code, subject, serial, sentence, next }: Finding): readonly Told[] {
  const whom = serial === undefined ? subject : `${subject} (serial ${serial})`
  const isBad = level === 'critical' || level === 'high'
  return [
    { text: `${level.padEnd(10)}${code.padEnd(22)}${whom}`, tone: isBad ? 'bad' : 'plain' },
    plain(`${indent}${sentence}`),
    { text: `${indent}next: ${next}`, tone: 'faint' },
  ]
}

function* tableLines(findings: readonly Finding[]): Generator<Told> {
  if (findings.length > 0) yield plain(`${'LEVEL'.padEnd(10)}${'CHECK'.padEnd(22)}WHAT`)
  for (const code of new Set(findings.map(one => one.code))) {
    const these = findings.filter(one => one.code === code)
    for (const one of these.slice(0, shownOfEach)) yield* findingLines(one)
    if (these.length > shownOfEach)
      yield plain(`${''.padEnd(10)}${code.padEnd(22)}and ${these.length - shownOfEach} more: --json has all`)
  }
}

function countsText(findings: readonly Finding[]): string {
  const counts = auditLevels.flatMap(level => {
    const number = findings.filter(one => one.level === level).length
    return number === 0 ? [] : [`${number} ${level}`]
  })
  return counts.length === 0 ? 'nothing found' : `${count(findings.length, 'finding')} (${counts.join(', ')})`
}

/** Checks that have the same reason, on one line. */
function shortfallLines(what: string, shortfalls: readonly Shortfall[]): readonly string[] {
  const reasons = new Map<string, string[]>()
  for (const { code, why } of shortfalls) reasons.set(why, [...(reasons.get(why) ?? []), code])
  return [...reasons].map(([why, codes]) => `${what}, ${why}: ${codes.join(', ')}`)
}

/** The table first, then the sum, then what was not looked at. */
export function* auditLines(audit: Audit, { log, notes }: AuditContext): Generator<Told> {
  yield* tableLines(audit.findings)
  yield plain(`${countsText(audit.findings)} by ${audit.made.length} of ${auditCodes.length} checks`)
  if (log !== undefined)
    yield plain(`log: ${count(log.events, 'event')} from ${timeText(log.from)} to ${timeText(log.to)}`)
  const rest = [...shortfallLines('in part', audit.partly), ...shortfallLines('not checked', audit.notMade)]
  for (const text of [...rest, ...audit.notes, ...notes]) yield { text, tone: 'faint' }
}

/** Everything as data. */
export function auditJson({ findings, made, partly, notMade, notes }: Audit, context: AuditContext): unknown {
  const { log } = context
  const counts = auditLevels.map(level => [level, findings.filter(one => one.level === level).length] as const)
  return {
    findings,
    counts: Object.fromEntries(counts),
    checked: made,
    inPart: partly,
    notChecked: notMade,
    log: log === undefined ? null : { events: log.events, from: timeText(log.from), to: timeText(log.to) },
    notes: [...notes, ...context.notes],
  }
}
