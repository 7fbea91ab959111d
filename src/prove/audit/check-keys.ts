/** Weak keys and signatures, of CAs and of what is in force below them. */
import {
  type AuditedCa,
  type AuditedCertificate,
  type Evidence,
  isInForce,
  type KeyFacts,
  subjectOf,
} from './evidence.ts'
import { type Finding, finding } from './finding.ts'
import { renewCommand } from './next-commands.ts'

const strongHashes: readonly (string | undefined)[] = ['sha256', 'sha384', 'sha512']
const usualCurves: readonly (string | undefined)[] = ['P-256', 'P-384']

/** NIST SP 800-131A, RFC 9155. */
function weaknessOf({ algorithm, curve, bits, signatureHash }: KeyFacts): string | undefined {
  if (algorithm === 'rsa' && (bits === undefined || bits < 2048))
    return `its RSA key has ${bits ?? 'no known number of'} bits`
  if (algorithm === 'ec' && curve !== 'P-521' && !usualCurves.includes(curve)) return `its key is on the curve ${curve}`
  if (algorithm === 'other') return 'its key is neither EC, Ed25519 nor RSA'
  if (!strongHashes.includes(signatureHash)) return `it is signed with ${signatureHash ?? 'an unknown algorithm'}`
  return undefined
}

function oddityOf({ algorithm, curve }: KeyFacts): string | undefined {
  if (algorithm === 'ed25519') return 'its key is Ed25519'
  return algorithm === 'ec' && curve === 'P-521' ? 'its key is on the curve P-521' : undefined
}

const caHelp = 'make an authority with P-256 or P-384, and issue from it: portcullis ca create --ca DIR --name NAME'

function ofCa({ subject, key }: AuditedCa): readonly Finding[] {
  const [weakness, oddity] = [weaknessOf(key), oddityOf(key)]
  if (weakness !== undefined) return [finding('weak-ca', { subject, sentence: weakness, next: caHelp })]
  return oddity === undefined ? [] : [finding('unusual-key', { subject, sentence: oddity, next: caHelp })]
}

function ofCertificate(one: AuditedCertificate, evidence: Evidence): readonly Finding[] {
  const about = { subject: subjectOf(one), serial: one.serial, next: renewCommand(one, evidence) }
  const weakness =
    one.key === undefined ? 'what the ledger has is no certificate that can be read' : weaknessOf(one.key)
  if (weakness !== undefined) return [finding('weak-key', { ...about, sentence: weakness })]
  const oddity = one.key && oddityOf(one.key)
  return oddity === undefined ? [] : [finding('unusual-key', { ...about, sentence: oddity })]
}

export function checkKeys(evidence: Evidence): readonly Finding[] {
  const { cas = [], certificates = [] } = evidence.authority ?? {}
  const inForce = certificates.filter(one => isInForce(one, evidence.now))
  return [...cas.flatMap(ofCa), ...inForce.flatMap(one => ofCertificate(one, evidence))]
}
