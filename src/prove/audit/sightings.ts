/** Where certificates were seen, by certificate: in the log and among the sessions, each by what it has of it. */
import type { AuditedAuthority, AuditedCertificate, AuditedSession, Evidence } from './evidence.ts'
import type { SeenCertificate } from './log-facts.ts'

/** A certificate of the ledger, or one that it does not know, and how it was seen. */
export interface Sighting {
  readonly certificate: AuditedCertificate | undefined
  /** Where it was seen in the log. */
  readonly inLog: SeenCertificate | undefined
  readonly sessions: readonly AuditedSession[]
}

interface Sightings {
  readonly all: readonly Sighting[]
  /** Sessions that say nothing of their certificate. */
  readonly withoutCertificate: number
}

/** What names a certificate. */
interface Named {
  readonly fingerprint?: string
  readonly issuerKeyId?: string
  readonly serial?: string
}

interface Growing {
  readonly certificate: AuditedCertificate | undefined
  inLog?: SeenCertificate
  readonly sessions: AuditedSession[]
}

const serialKey = (issuerKeyId: string, serial: string): string => `${issuerKeyId} ${serial}`

/** By fingerprint where there is one, else by issuer key and serial. */
class Register {
  readonly #byFingerprint = new Map<string, AuditedCertificate>()
  readonly #bySerial = new Map<string, AuditedCertificate>()

  constructor(certificates: readonly AuditedCertificate[]) {
    for (const one of certificates) {
      if (one.fingerprint !== undefined) this.#byFingerprint.set(one.fingerprint, one)
      this.#bySerial.set(serialKey(one.issuerKeyId, one.serial), one)
    }
  }

  find({ fingerprint, issuerKeyId, serial }: Named): AuditedCertificate | undefined {
    if (fingerprint !== undefined) return this.#byFingerprint.get(fingerprint)
    return issuerKeyId === undefined || serial === undefined
      ? undefined
      : this.#bySerial.get(serialKey(issuerKeyId, serial))
  }
}

function keyOf({ fingerprint, issuerKeyId, serial }: Named): string | undefined {
  if (fingerprint !== undefined) return fingerprint
  return issuerKeyId === undefined || serial === undefined ? undefined : serialKey(issuerKeyId, serial)
}

export function sightingsOf({ authority, log, sessions = [] }: Evidence): Sightings {
  const register = new Register(authority?.certificates ?? [])
  const all = new Map<string, Growing>()
  const at = (of: Named, key: string): Growing => {
    const certificate = register.find(of)
    // one certificate is one sighting, by whichever of its names it was seen
    const name = certificate === undefined ? key : serialKey(certificate.issuerKeyId, certificate.serial)
    const known = all.get(name)
    if (known !== undefined) return known
    const made: Growing = { certificate, sessions: [] }
    all.set(name, made)
    return made
  }
  for (const seen of log?.certificates.values() ?? []) at(seen, seen.fingerprint).inLog = seen
  let withoutCertificate = 0
  for (const session of sessions) {
    const key = keyOf(session)
    if (key === undefined) withoutCertificate += 1
    else at(session, key).sessions.push(session)
  }
  return {
    all: [...all.values()].map(({ certificate, inLog, sessions: own }) => ({ certificate, inLog, sessions: own })),
    withoutCertificate,
  }
}

/** Whether a certificate that the ledger does not know is of this authority; undefined where nothing says it. */
export function isOfAuthority(
  { inLog, sessions }: Sighting,
  authority: AuditedAuthority,
  names: Names,
): boolean | undefined {
  const issuers = sessions.flatMap(({ issuerKeyId }) => issuerKeyId ?? [])
  if (issuers.length > 0) return issuers.some(one => names.issuers.has(one))
  if (authority.isOnlyIssuer === true) return true
  const identities = [inLog?.identity, ...sessions.map(({ identity }) => identity)]
  return identities.some(one => one !== undefined && names.identities.has(one)) ? true : undefined
}

export interface Names {
  readonly issuers: ReadonlySet<string>
  readonly identities: ReadonlySet<string>
}

/** What the authority calls its own. */
export function namesOf({ cas, certificates }: AuditedAuthority): Names {
  return {
    issuers: new Set([...cas.map(({ keyId }) => keyId), ...certificates.map(({ issuerKeyId }) => issuerKeyId)]),
    identities: new Set(certificates.flatMap(({ identity }) => identity ?? [])),
  }
}
