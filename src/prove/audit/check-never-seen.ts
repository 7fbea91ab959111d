/** Devices that were given a certificate and never came. */
import { type AuditedCertificate, type Evidence, subjectOf, timeText } from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { revokeCommand } from './next-commands.ts'

/** A device that got its certificate less than this ago may not be mounted yet. */
const neverSeenAfterMs = 7 * 86_400_000

interface NeverSeen {
  readonly findings: readonly Finding[]
  /** How many could not be judged. */
  readonly notes: readonly string[]
}

/** `seen`: certificates of the ledger that are in the log or have a session. */
export function checkNeverSeen(evidence: Evidence, seen: ReadonlySet<AuditedCertificate>): NeverSeen {
  const { authority, log, now } = evidence
  if (authority === undefined || log === undefined) return { findings: [], notes: [] }
  const unseen = authority.certificates.filter(
    one => one.state === 'issued' && one.profile === 'device' && one.notAfter >= now && !seen.has(one),
  )
  const old = unseen.filter(({ since }) => now - since >= neverSeenAfterMs)
  const judged = old.filter(({ since }) => since >= log.from)
  const findings = judged.map(one => {
    const sentence = `it was issued ${timeText(one.since)}, and was never connected in the log, which begins ${timeText(log.from)}`
    const next = `where it is not wanted: ${revokeCommand(one, evidence)}`
    return finding('never-seen', { subject: subjectOf(one), serial: one.serial, sentence, next })
  })
  const unjudged = old.length - judged.length
  const notes =
    unjudged === 0
      ? []
      : [`never-seen: ${unjudged} not seen, but issued before the log begins (${timeText(log.from)}): not judged`]
  return { findings, notes }
}
