/** What the ledger alone shows: reservations and tokens that came to nothing, and certificates that the policy would refuse. */
import { type AuditedCertificate, type Evidence, isInForce, subjectOf, timeText } from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { revokeCommand, showCommand } from './next-commands.ts'

/** A reservation lasts a minute where nothing goes wrong. */
const stuckAfterMs = 3_600_000
/** Tokens that can be spent: more than a batch of devices waits for at a time. */
export const manyTokens = 100

function ofReservation(one: AuditedCertificate, evidence: Evidence): readonly Finding[] {
  if (one.state !== 'reserved' || evidence.now - one.since < stuckAfterMs) return []
  const sentence = `its serial is reserved since ${timeText(one.since)}, and no certificate came of it`
  return [
    finding('stuck-reservation', {
      subject: subjectOf(one),
      serial: one.serial,
      sentence,
      next: revokeCommand(one, evidence),
    }),
  ]
}

function ofTokens(evidence: Evidence): readonly Finding[] {
  const outstanding = (evidence.authority?.tokens ?? []).filter(({ state }) => state === 'outstanding')
  const expired = outstanding.filter(({ expires }) => expires < evidence.now).length
  const good = outstanding.length - expired
  const next = `portcullis enroll list${evidence.options.ca}`
  const about = { subject: 'enrolment tokens', next }
  const were = expired === 1 ? 'one token was' : `${expired} tokens were`
  return [
    ...(expired === 0
      ? []
      : [
          finding('expired-tokens', {
            ...about,
            next: `${next} --all`,
            sentence: `${were} never spent before the end`,
          }),
        ]),
    ...(good <= manyTokens
      ? []
      : [
          finding('many-tokens', {
            ...about,
            sentence: `${good} can be spent: each is a certificate for whoever has it`,
          }),
        ]),
  ]
}

/** What the checks of keys and of ends tell is not told again. */
const toldElsewhere: ReadonlySet<string> = new Set([
  'authenticate/weak-key',
  'authenticate/weak-signature',
  'authenticate/unparsable-certificate',
])

function ofPolicy(one: AuditedCertificate, evidence: Evidence): readonly Finding[] {
  const { refusal } = one
  if (refusal === undefined || toldElsewhere.has(refusal.code) || !isInForce(one, evidence.now)) return []
  const about = { subject: subjectOf(one), serial: one.serial, next: showCommand(one, evidence) }
  return refusal.code === 'provision/no-rights'
    ? [finding('no-rights', { ...about, sentence: 'no rule of the policy lets it do anything' })]
    : [finding('policy-refuses', { ...about, sentence: `it would be refused: ${refusal.sentence} (${refusal.code})` })]
}

export function checkLedger(evidence: Evidence): readonly Finding[] {
  const certificates = evidence.authority?.certificates ?? []
  return [
    ...certificates.flatMap(one => [...ofReservation(one, evidence), ...ofPolicy(one, evidence)]),
    ...ofTokens(evidence),
  ]
}
