/** CrlStanding: the CRL in force of one CA, and what an operator is told of it. */
import type { CaCertificate } from './ca-certificate.ts'
import type { Crl } from './crl.ts'

/** `alarm` from half the CRL's period on; `stale` after nextUpdate and the grace. */
export type Staleness = 'fresh' | 'alarm' | 'stale'

export interface CrlStanding {
  readonly ca: CaCertificate
  readonly crl: Crl
  readonly file: string
  readonly alarmAt: number
  readonly staleAt: number
  told: Staleness
}

/** A CRL as a person asks for it. Times are milliseconds since 1970. */
export interface CrlState {
  readonly file: string
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly entries: number
  readonly state: Staleness
}

export function stalenessOf({ alarmAt, staleAt }: CrlStanding, now: number): Staleness {
  return now > staleAt ? 'stale' : now >= alarmAt ? 'alarm' : 'fresh'
}

/** @example crlState(standing, Date.now()).nextUpdate */
export function crlState(standing: CrlStanding, now: number): CrlState {
  const { file, crl } = standing
  const { thisUpdate, nextUpdate, entries } = crl
  return { file, thisUpdate, nextUpdate, entries: entries.size, state: stalenessOf(standing, now) }
}
