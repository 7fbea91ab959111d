/** What ends: certificates and CAs, and certificates that say they end later than what is above them. */
import {
  type AuditedAuthority,
  type AuditedCa,
  type AuditedCertificate,
  type Evidence,
  isInForce,
  subjectOf,
  timeText,
} from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { caCommand, renewCommand } from './next-commands.ts'

/** Pairs of a CA and the key id that those in force below it have; the root stands above all. */
function isAbove(ca: AuditedCa, { issuerKeyId }: AuditedCertificate): boolean {
  return ca.role === 'root' || ca.keyId === issuerKeyId
}

function renewCa({ role }: AuditedCa, evidence: Evidence): string {
  return caCommand('renew', evidence) + (role === 'root' ? ' --root' : '')
}

/** One that signs no more matters as long as something of it is in force. */
function isNeeded(ca: AuditedCa, inForce: readonly AuditedCertificate[]): boolean {
  return ca.role === 'root' || ca.signs || inForce.some(one => isAbove(ca, one))
}

function endOfCa(ca: AuditedCa, evidence: Evidence): readonly Finding[] {
  const { subject, notAfter } = ca
  const next = renewCa(ca, evidence)
  if (notAfter < evidence.now)
    return [finding('ca-ended', { subject, sentence: `it ended ${timeText(notAfter)}`, next })]
  if (notAfter - evidence.now > evidence.within) return []
  return [finding('ca-ending', { subject, sentence: `it ends ${timeText(notAfter)}`, next })]
}

/** One finding for a CA: with it, all below are in the same case. */
function outliving(ca: AuditedCa, inForce: readonly AuditedCertificate[], evidence: Evidence): readonly Finding[] {
  const later = inForce.filter(one => isAbove(ca, one) && one.notAfter > ca.notAfter)
  const [first] = later
  if (first === undefined) return []
  const many = later.length === 1 ? 'one certificate ends' : `${later.length} certificates end`
  const sentence = `${many} later than this CA, which ends ${timeText(ca.notAfter)}: ${subjectOf(first)} ends ${timeText(first.notAfter)}`
  return [finding('outlives-ca', { subject: ca.subject, sentence, next: renewCa(ca, evidence) })]
}

function missingCas({ cas }: AuditedAuthority, inForce: readonly AuditedCertificate[]): readonly Finding[] {
  const known = new Set(cas.map(({ keyId }) => keyId))
  const counts = new Map<string, number>()
  for (const { issuerKeyId } of inForce)
    if (!known.has(issuerKeyId)) counts.set(issuerKeyId, (counts.get(issuerKeyId) ?? 0) + 1)
  return [...counts].map(([keyId, count]) =>
    finding('ca-missing', {
      subject: `CA with the key ${keyId}`,
      sentence: `its certificate is not in the folder, and ${count} of those that it signed ${count === 1 ? 'is' : 'are'} in force`,
      next: 'put its certificate, key and CRL back from the backup: without them nothing can revoke what it signed',
    }),
  )
}

/** Of each identity, and of each name of a server, the certificate that ends last: those before it were renewed. */
function lastOfEach(inForce: readonly AuditedCertificate[]): readonly AuditedCertificate[] {
  const last = new Map<string, AuditedCertificate>()
  for (const one of inForce) {
    const known = last.get(subjectOf(one))
    if (known === undefined || one.notAfter > known.notAfter) last.set(subjectOf(one), one)
  }
  return [...last.values()]
}

export function checkEnds(evidence: Evidence): readonly Finding[] {
  const { authority, now, within } = evidence
  if (authority === undefined) return []
  const inForce = authority.certificates.filter(one => isInForce(one, now))
  const ending = lastOfEach(inForce).filter(({ notAfter }) => notAfter - now <= within)
  return [
    ...authority.cas.filter(ca => isNeeded(ca, inForce)).flatMap(ca => endOfCa(ca, evidence)),
    ...authority.cas.flatMap(ca => outliving(ca, inForce, evidence)),
    ...missingCas(authority, inForce),
    ...ending.map(one =>
      finding('certificate-ending', {
        subject: subjectOf(one),
        serial: one.serial,
        sentence: `it ends ${timeText(one.notAfter)}`,
        next: renewCommand(one, evidence),
      }),
    ),
  ]
}
