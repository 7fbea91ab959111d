/** What still depends on the issuing CAs that a rotation left behind, from the ledger. Pure. */
import type { CaFolder } from './ca-folder.ts'
import type { IssuingCa } from './issuing-cas.ts'
import type { LedgerRecord } from './ledger-record.ts'

/** One older issuing CA, and the certificates of it that somebody may still use. */
export interface Overlap {
  readonly ca: IssuingCa
  readonly devices: readonly LedgerRecord[]
  readonly servers: readonly LedgerRecord[]
  /** When the last of them ends; undefined where there is none. */
  readonly neededUntil: Date | undefined
}

/** Of every issuing CA but the one that signs, oldest first. */
export function overlapsOf({ issuingCas }: CaFolder, records: readonly LedgerRecord[], now: Date): readonly Overlap[] {
  return issuingCas.slice(0, -1).map(ca => {
    const living = records.filter(one => one.issuerKeyId === ca.issuerKeyId && isLiving(one, now))
    const last = Math.max(...living.map(({ notAfter }) => notAfter.getTime()))
    return {
      ca,
      devices: living.filter(({ profile }) => profile === 'device'),
      servers: living.filter(({ profile }) => profile === 'server'),
      neededUntil: living.length === 0 ? undefined : new Date(last),
    }
  })
}

/** Reserved ones are about to be issued; superseded and revoked ones are accepted nowhere. */
function isLiving({ state, notAfter }: LedgerRecord, now: Date): boolean {
  return (state === 'issued' || state === 'reserved') && notAfter >= now
}
