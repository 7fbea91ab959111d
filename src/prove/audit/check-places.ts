/** One certificate at two places at a time, or to and fro between them: its key was copied, or two devices were given it. */
import { type Evidence, subjectOf, timeText } from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { revokeCommand } from './next-commands.ts'
import type { Sighting } from './sightings.ts'

/** Once it was back so often, it is no device that moves. */
const flappingReturns = 5

/** From two places at once; of sessions those that are live now. */
export function checkPlaces(sighting: Sighting, evidence: Evidence): readonly Finding[] {
  const { certificate, inLog, sessions } = sighting
  const fingerprint = inLog?.fingerprint ?? sessions[0]?.fingerprint
  const identity = certificate === undefined ? (sessions[0]?.identity ?? inLog?.identity) : subjectOf(certificate)
  const subject = identity ?? `certificate ${fingerprint}`
  const serial = certificate?.serial ?? sessions.flatMap(one => one.serial ?? []).at(0)
  const about = { subject, ...(serial === undefined ? {} : { serial }) }
  const stolen = certificate === undefined ? 'have it revoked by its CA' : revokeCommand(certificate, evidence)
  const next = `find out which of them has the key by right; where it was copied: ${stolen}`
  const live = [...new Set(sessions.filter(({ state }) => state === 'live').flatMap(one => one.address ?? []))].sort()
  const atOnce = inLog?.addresses.atOnce
  if (live.length > 1)
    return [finding('several-addresses', { ...about, sentence: `it is connected from ${listed(live)} now`, next })]
  if (atOnce !== undefined) {
    const [one, other] = atOnce.addresses
    const sentence = `it was connected from ${one} and ${other} from ${timeText(atOnce.from)} to ${timeText(atOnce.to)}`
    return [finding('several-addresses', { ...about, sentence, next })]
  }
  const returns = inLog?.addresses.returns ?? 0
  if (returns < flappingReturns) return []
  const sentence = `it came back ${returns} times to an address that it had just left, last to ${inLog?.address}`
  return [finding('address-flapping', { ...about, sentence, next })]
}

function listed(addresses: readonly string[]): string {
  const shown = addresses.slice(0, 5).join(', ')
  return addresses.length > 5 ? `${shown} and ${addresses.length - 5} more` : shown
}
