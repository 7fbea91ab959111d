/** Who shares what: one identity with two keys, one key with two identities. */
import { type AuditedCertificate, type Evidence, isInForce, subjectOf, timeText } from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { renewCommand, showCommand } from './next-commands.ts'

/** Two keys of one device are a renewal for so long. */
export const renewalOverlapMs: number = 14 * 86_400_000

function group(
  certificates: readonly AuditedCertificate[],
  by: (one: AuditedCertificate) => string | undefined,
): readonly (readonly AuditedCertificate[])[] {
  const groups = new Map<string, AuditedCertificate[]>()
  for (const one of certificates) {
    const key = by(one)
    if (key === undefined) continue
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [one])
    else known.push(one)
  }
  return [...groups.values()].filter(({ length }) => length > 1)
}

function ofName(same: readonly AuditedCertificate[], evidence: Evidence): readonly Finding[] {
  // the first certificate of each key, oldest first
  const keys = new Map<string, AuditedCertificate>()
  for (const one of same.toSorted((a, b) => a.since - b.since)) if (!keys.has(one.keyHash)) keys.set(one.keyHash, one)
  const [older, newer] = [...keys.values()]
  if (older === undefined || newer === undefined || evidence.now - newer.since <= renewalOverlapMs) return []
  const sentence = `it has ${keys.size} keys in force since ${timeText(newer.since)}: serials ${older.serial} and ${newer.serial}`
  const next = `revoke what is used no more: ${showCommand(older, evidence)}`
  return [finding('shared-name', { subject: subjectOf(older), serial: older.serial, sentence, next })]
}

function ofKey(same: readonly AuditedCertificate[], evidence: Evidence): readonly Finding[] {
  const [first] = same
  const other = same.find(one => first !== undefined && subjectOf(one) !== subjectOf(first))
  if (first === undefined || other === undefined) return []
  const sentence = `${subjectOf(other)} has the same key (serial ${other.serial}): whoever has one can be both`
  const next = `a new key for each of them: ${renewCommand(first, evidence)}`
  return [finding('shared-key', { subject: subjectOf(first), serial: first.serial, sentence, next })]
}

export function checkNames(evidence: Evidence): readonly Finding[] {
  const inForce = (evidence.authority?.certificates ?? []).filter(one => isInForce(one, evidence.now))
  return [
    ...group(inForce, ({ identity }) => identity).flatMap(same => ofName(same, evidence)),
    ...group(inForce, ({ keyHash }) => keyHash).flatMap(same => ofKey(same, evidence)),
  ]
}
