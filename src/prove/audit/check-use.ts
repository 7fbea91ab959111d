/** Who is connected, or was, against what the ledger says of its certificate. */

import { checkNeverSeen } from './check-never-seen.ts'
import { checkPlaces } from './check-places.ts'
import type { AuditedCertificate, Evidence } from './evidence.ts'
import { subjectOf, timeText } from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { caCommand, kickCommand, renewCommand } from './next-commands.ts'
import { isOfAuthority, namesOf, type Sighting, sightingsOf } from './sightings.ts'

/** Clocks of a broker and of an authority, and the way of a CRL between them. */
const toleranceMs = 60_000

/** Reasons that say no more than the state does. */
const unsaid: readonly (string | undefined)[] = [undefined, 'unspecified', 'superseded']

export interface UseFindings {
  readonly findings: readonly Finding[]
  /** What could not be judged, and why. */
  readonly notes: readonly string[]
  readonly neverSeen: 'judged' | 'log-too-full' | 'no-connects'
}

/** The address and client id of the first live session; else of the last line of the log. */
function whereabouts({ inLog, sessions }: Sighting): {
  readonly address: string
  readonly clientId: string | undefined
} {
  const live = sessions.find(({ state }) => state === 'live')
  const address = live === undefined ? inLog?.address : live.address
  return { address: address ?? 'an address that is not told', clientId: live?.clientId ?? inLog?.clientId }
}

/** How it was there after a time; undefined where it was not. */
function presenceAfter(sighting: Sighting, time: number): string | undefined {
  const { inLog, sessions } = sighting
  const { address } = whereabouts(sighting)
  if (sessions.some(({ state }) => state === 'live')) return `it is connected from ${address}`
  return inLog !== undefined && inLog.last > time + toleranceMs
    ? `it was let in until ${timeText(inLog.last)}, from ${address}`
    : undefined
}

function kick(sighting: Sighting): string {
  const { clientId } = whereabouts(sighting)
  return clientId === undefined ? '' : `, then ${kickCommand(clientId)}`
}

function ofKnown(one: AuditedCertificate, sighting: Sighting, evidence: Evidence): readonly Finding[] {
  const about = { subject: subjectOf(one), serial: one.serial }
  if (one.state === 'revoked' || one.state === 'superseded') {
    const presence = presenceAfter(sighting, one.since)
    if (presence === undefined) return []
    const why = unsaid.includes(one.reason) ? '' : ` (${one.reason})`
    const sentence = `it is ${one.state} since ${timeText(one.since)}${why}, and ${presence}`
    return [
      finding('revoked-connected', { ...about, sentence, next: `${caCommand('crl', evidence)}${kick(sighting)}` }),
    ]
  }
  if (one.notAfter >= evidence.now) return []
  const presence = presenceAfter(sighting, one.notAfter)
  if (presence === undefined) return []
  const sentence = `it ended ${timeText(one.notAfter)}, and ${presence}`
  return [finding('ended-in-use', { ...about, sentence, next: `${renewCommand(one, evidence)}${kick(sighting)}` })]
}

function unknown(sighting: Sighting): Finding {
  const { inLog, sessions } = sighting
  const [session] = sessions
  const serial = sessions.flatMap(one => one.serial ?? []).at(0)
  const fingerprint = inLog?.fingerprint ?? session?.fingerprint
  const { address } = whereabouts(sighting)
  const which = fingerprint === undefined ? '' : ` with the fingerprint ${fingerprint}`
  return finding('unknown-certificate', {
    subject: session?.identity ?? inLog?.identity ?? 'an identity that is not told',
    ...(serial === undefined ? {} : { serial }),
    sentence: `a certificate${which} was let in from ${address}, and the ledger does not know it`,
    next: 'find out who signed it: somebody may have the key of the authority, or the ledger may be an old copy',
  })
}

export function checkUse(evidence: Evidence): UseFindings {
  const { authority, log } = evidence
  const { all, withoutCertificate } = sightingsOf(evidence)
  const findings: Finding[] = []
  const notes: string[] = []
  const names = authority && namesOf(authority)
  let foreign = 0
  for (const sighting of all) {
    findings.push(...checkPlaces(sighting, evidence))
    if (authority === undefined || names === undefined) continue
    const { certificate } = sighting
    // of a reservation nobody ought to have the certificate
    if (certificate?.state === 'reserved') findings.push(unknown(sighting))
    else if (certificate !== undefined) findings.push(...ofKnown(certificate, sighting, evidence))
    else {
      const isOurs = isOfAuthority(sighting, authority, names)
      if (isOurs) findings.push(unknown(sighting))
      else if (isOurs === undefined) foreign += 1
    }
  }
  if (foreign > 0) {
    notes.push(
      `unknown-certificate: ${foreign} that the ledger does not know may be of another issuer: not judged (--config says whether there is one)`,
    )
  }
  if (withoutCertificate > 0) notes.push(`sessions: ${withoutCertificate} without fingerprint or serial: not judged`)
  const isFull = (log?.unheld.certificates ?? 0) > 0
  const hasConnects = (log?.connects ?? 0) > 0
  if (isFull || !hasConnects) return { findings, notes, neverSeen: isFull ? 'log-too-full' : 'no-connects' }
  const never = checkNeverSeen(evidence, new Set(all.flatMap(({ certificate }) => certificate ?? [])))
  return { findings: [...findings, ...never.findings], notes: [...notes, ...never.notes], neverSeen: 'judged' }
}
