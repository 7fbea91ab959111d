/** The CRLs that are out, against the clock and against the ledger. */
import { type AuditedCa, type AuditedCrl, type Evidence, timeText } from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { caCommand } from './next-commands.ts'

function ofAge(crl: AuditedCrl, subject: string, evidence: Evidence): readonly Finding[] {
  const about = { subject, next: caCommand('crl', evidence) }
  const { thisUpdate, nextUpdate } = crl
  if (nextUpdate <= evidence.now)
    return [finding('crl-over', { ...about, sentence: `a new one was due ${timeText(nextUpdate)}` })]
  // when a gate gives its first alarm, too (accept/aging-crl)
  if (evidence.now - thisUpdate <= (nextUpdate - thisUpdate) / 2) return []
  return [
    finding('crl-aging', { ...about, sentence: `more than half of its time is over; it ends ${timeText(nextUpdate)}` }),
  ]
}

function behind(
  { keyId }: AuditedCa,
  { serials }: AuditedCrl,
  subject: string,
  evidence: Evidence,
): readonly Finding[] {
  const off = (evidence.authority?.certificates ?? []).filter(
    ({ issuerKeyId, state, serial }) =>
      issuerKeyId === keyId && (state === 'revoked' || state === 'superseded') && !serials.has(serial),
  )
  const [first] = off
  if (first === undefined) return []
  const many = off.length === 1 ? 'a certificate is' : `${off.length} certificates are`
  const sentence = `${many} ${first.state} in the ledger and not on it, such as ${first.name} since ${timeText(first.since)}`
  return [finding('crl-behind', { subject, serial: first.serial, sentence, next: caCommand('crl', evidence) })]
}

export function checkCrls(evidence: Evidence): readonly Finding[] {
  return (evidence.authority?.cas ?? []).flatMap(ca => {
    const { crl, crlFile } = ca
    if (crl === undefined) return []
    if ('unusable' in crl)
      return [finding('crl-over', { subject: crlFile, sentence: crl.unusable, next: caCommand('crl', evidence) })]
    return [...ofAge(crl, crlFile, evidence), ...behind(ca, crl, crlFile, evidence)]
  })
}
