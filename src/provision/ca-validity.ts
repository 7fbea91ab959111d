/** From when until when a renewed CA certificate lives, and what speaks against it. */
import type { Certificate } from '../authenticate/certificate.ts'
import { PortcullisError, type ProblemCode, problem } from '../problem.ts'
import { notBeforeOf } from './authority.ts'
import { endAfter, requireValidNow } from './ca-folder.ts'
import type { Ledger } from './ledger.ts'

const dayMs = 86_400_000

export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** For an issuing CA. Throws where the root is not valid now or would end first, or the present one is later. */
export function issuingValidity(
  root: Certificate,
  present: Certificate | undefined,
  now: Date,
  days: number,
): Validity {
  requireValidNow(root, now)
  const validity = caValidity(present, now, days)
  if (validity.notAfter.getTime() > root.notAfter) {
    const most = Math.floor((root.notAfter - now.getTime()) / dayMs)
    const sentence = `the certificate would outlive its root, which ends ${new Date(root.notAfter).toISOString()}`
    const help = `renew the root first (portcullis ca renew --root)${most > 0 ? `, or pass --days ${most} or fewer` : ''}`
    throw refused('provision/bad-validity', sentence, help)
  }
  return validity
}

/** For a CA whose present certificate must not be later in any way. */
export function caValidity(present: Certificate | undefined, now: Date, days: number): Validity {
  const validity = { notBefore: notBeforeOf(now), notAfter: endAfter(now, days) }
  if (present === undefined) return validity
  if (now.getTime() < present.notBefore) {
    const sentence = `the present certificate begins ${new Date(present.notBefore).toISOString()}, and the clock is before that`
    throw refused('provision/clock-set-back', sentence, 'correct the clock of this machine (timedatectl)')
  }
  if (validity.notAfter.getTime() < present.notAfter) {
    const sentence = `the certificate would end before the present one, which ends ${new Date(present.notAfter).toISOString()}`
    throw refused('provision/bad-validity', sentence, 'pass more --days')
  }
  // not older than the present one, which may have been made a minute ago
  return { ...validity, notBefore: new Date(Math.max(validity.notBefore.getTime(), present.notBefore)) }
}

/** Throws where the ledger was written later than it is now: a certificate made now would be dated before what it replaces. */
export function requireClock(ledger: Ledger, now: Date): void {
  const wrong = ledger.clock.problemAt(now.getTime())
  if (wrong !== undefined) throw new PortcullisError([wrong])
}

function refused(code: ProblemCode, sentence: string, help: string): PortcullisError {
  return new PortcullisError([problem(code, sentence, { help })])
}
