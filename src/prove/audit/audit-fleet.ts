/** The whole audit: every check that the evidence is enough for, and which could not be made, with why. Pure. */
import { type AuditCode, type AuditSource, auditChecks, auditCodes } from './audit-checks.ts'
import { checkCrls } from './check-crls.ts'
import { checkEnds } from './check-ends.ts'
import { checkKeys } from './check-keys.ts'
import { checkLedger } from './check-ledger.ts'
import { checkNames } from './check-names.ts'
import { checkRefusals } from './check-refusals.ts'
import { checkUse, type UseFindings } from './check-use.ts'
import type { Evidence } from './evidence.ts'
import { type Finding, sortFindings } from './finding.ts'
import type { LogFacts } from './log-facts.ts'

/** A check and why it says less than it could, or nothing. */
export interface Shortfall {
  readonly code: AuditCode
  readonly why: string
}

export interface Audit {
  /** Worst first. */
  readonly findings: readonly Finding[]
  readonly made: readonly AuditCode[]
  /** Made from a part of what they could be made from. */
  readonly partly: readonly Shortfall[]
  /** Not made: whether all is well there is not known. */
  readonly notMade: readonly Shortfall[]
  /** Limits that were reached, and what could not be judged. */
  readonly notes: readonly string[]
}

/** @example auditFleet({ now, within, options: { ca: '', policies: '' }, authority, log }).findings */
export function auditFleet(evidence: Evidence): Audit {
  const use = checkUse(evidence)
  const found = [checkKeys, checkEnds, checkCrls, checkNames, checkLedger, checkRefusals].flatMap(check =>
    check(evidence),
  )
  const given = givenBy(evidence)
  const notMade = auditCodes.flatMap(code => shortfall(code, whyNot(code, given, evidence, use)))
  const left = new Set(notMade.map(({ code }) => code))
  const made = auditCodes.filter(code => !left.has(code))
  return {
    findings: sortFindings([...found, ...use.findings].filter(({ code }) => !left.has(code))),
    made,
    partly: made.flatMap(code => shortfall(code, withoutWhat(code, given))),
    notMade,
    notes: [...use.notes, ...(evidence.log === undefined ? [] : limitNotes(evidence.log))],
  }
}

function shortfall(code: AuditCode, why: string | undefined): readonly Shortfall[] {
  return why === undefined ? [] : [{ code, why }]
}

function givenBy({ authority, unusedGrants, log, sessions }: Evidence): ReadonlySet<AuditSource> {
  const given = { ca: authority, policies: unusedGrants, log, sessions }
  return new Set((Object.keys(given) as AuditSource[]).filter(source => given[source] !== undefined))
}

const options = (sources: readonly AuditSource[], between: string): string =>
  sources.map(source => `--${source}`).join(between)

function whyNot(
  code: AuditCode,
  given: ReadonlySet<AuditSource>,
  { log }: Evidence,
  { neverSeen }: UseFindings,
): string | undefined {
  const { needs, from } = auditChecks[code]
  const missing = needs.filter(source => !given.has(source))
  const alternatives = from?.some(source => given.has(source)) === false ? [options(from, ' or ')] : []
  const wanted = [...(missing.length === 0 ? [] : [options(missing, ' and ')]), ...alternatives]
  if (wanted.length > 0) return `it needs ${wanted.join(' and ')}`
  if (code === 'unused-grant' && log?.permits === 0) return 'the log has no permits (`log.permits: none`?)'
  if (code !== 'never-seen') return undefined
  if (neverSeen === 'no-connects') return 'the log has no line `connected`'
  return neverSeen === 'log-too-full' ? 'the log has more certificates than are held at a time' : undefined
}

function withoutWhat(code: AuditCode, given: ReadonlySet<AuditSource>): string | undefined {
  const missing = (auditChecks[code].from ?? []).filter(source => !given.has(source))
  return missing.length === 0 ? undefined : `without ${options(missing, ' and ')}`
}

function limitNotes({ unheld, certificates }: LogFacts): readonly string[] {
  const connections = [...certificates.values()].reduce((sum, { addresses }) => sum + addresses.unheld, 0)
  const note = (count: number, text: string): readonly string[] => (count === 0 ? [] : [`log: ${count} ${text}`])
  return [
    ...note(unheld.certificates, 'events of further certificates were left out: too many different ones'),
    ...note(unheld.refusals, 'refusals of further identities and addresses were left out: too many different ones'),
    ...note(unheld.values, 'identities, client ids or addresses were left out: too long'),
    ...note(connections, 'connections were left out of the checks of addresses: too many at a time'),
  ]
}
