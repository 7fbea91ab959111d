/** The CRL in force of one CA, and how old it is. */
import { type Problem, problem } from '../problem.ts'
import type { CaCertificate } from './ca-certificate.ts'
import type { Crl } from './crl.ts'
import { casOf } from './crl-signer.ts'
import type { Issuers } from './issuers.ts'

/** `alarm` from half the CRL's period on; `stale` after nextUpdate and the grace. */
export type Staleness = 'fresh' | 'alarm' | 'stale'

export interface Standing {
  readonly ca: CaCertificate
  readonly crl: Crl
  readonly file: string
  readonly alarmAt: number
  readonly staleAt: number
  told: Staleness
}

/** The CRL in force of one CA, as an operator watches it. Times are milliseconds since 1970. */
export interface CrlState {
  /** Name of the issuer in the configuration. */
  readonly issuer: string
  readonly file: string
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly entries: number
  readonly state: Staleness
}

export function stalenessAt({ staleAt, alarmAt }: Standing, now: number): Staleness {
  return now > staleAt ? 'stale' : now >= alarmAt ? 'alarm' : 'fresh'
}

/** The CRLs in force, a CA after the other; `standingOf` takes the SHA-256 of its public key. */
export function crlStates(
  issuers: Issuers,
  standingOf: (caKeyId: string) => Standing | undefined,
  now: number,
): readonly CrlState[] {
  return issuers.all.flatMap(issuer =>
    casOf(issuer).flatMap(({ certificate }) => {
      const standing = standingOf(certificate.keyId)
      return standing === undefined ? [] : [crlState(issuer.name, standing, now)]
    }),
  )
}

function crlState(issuer: string, standing: Standing, now: number): CrlState {
  const { thisUpdate, nextUpdate, entries } = standing.crl
  const state = stalenessAt(standing, now)
  return { issuer, file: standing.file, thisUpdate, nextUpdate, entries: entries.size, state }
}

/** A clock that shows an earlier time than a CA has written down already. Both are milliseconds since 1970. */
export function clockBehind(now: number, newestThisUpdate: number): Problem | undefined {
  if (now >= newestThisUpdate) return undefined
  const sentence = `this machine's clock is behind the newest CRL, which was made at ${new Date(newestThisUpdate).toISOString()}`
  return problem('accept/clock-set-back', sentence, {
    help: 'correct the clock; until then validity is judged at the time of that CRL',
  })
}
