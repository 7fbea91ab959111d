/** What an audit found: one fault of one certificate, device, CA, rule or address. */
import { type AuditCode, type AuditLevel, auditChecks, auditCodes, auditLevels } from './audit-checks.ts'

export interface Finding {
  readonly code: AuditCode
  readonly level: AuditLevel
  /** Whom or what it is about. May hold text of a device: escape it for where it goes. */
  readonly subject: string
  readonly serial?: string
  /** One sentence, lower case. */
  readonly sentence: string
  /** What to type or to do next. */
  readonly next: string
}

/** @example finding('crl-over', { subject: 'acme.crl', sentence: 'there is no CRL', next: 'portcullis ca crl' }) */
export function finding(code: AuditCode, of: Omit<Finding, 'code' | 'level'>): Finding {
  return { code, level: auditChecks[code].level, ...of }
}

/** Worst first, then as the table of checks has them, then by name: the same findings are always in the same order. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ level, code }: Finding): number => auditLevels.indexOf(level) * 100 + auditCodes.indexOf(code)
  const text = ({ subject, serial = '', sentence }: Finding): string => `${subject}\n${serial}\n${sentence}`
  return findings
    .map(one => ({ one, rank: rank(one), text: text(one) }))
    .sort((a, b) => a.rank - b.rank || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ one }) => one)
}
