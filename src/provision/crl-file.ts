/** The CRL of an authority as a file, written from its ledger: whole, with a number that only rises, never older than one before. */
import { type Authority, signCrl } from './authority.ts'
import type { Ledger } from './ledger.ts'
import { writeAtomically } from './write-atomically.ts'

const dayMs = 86_400_000

export interface CrlSource {
  readonly authority: Authority
  readonly ledger: Ledger
  readonly issuerKeyId: string
  readonly crlFile: string
  readonly now: () => Date
}

export interface PublishedCrl {
  readonly number: number
  readonly entries: number
  readonly nextUpdate: Date
}

/**
 * Writes the CRL. Expired certificates stay on it: one may still own a kept session. Undefined where another process wrote
 * a later one meanwhile, which then names everything that this one would.
 */
export async function publishCrl(source: CrlSource, days: number): Promise<PublishedCrl | undefined> {
  const { authority, ledger, issuerKeyId, crlFile } = source
  const thisUpdate = source.now()
  const nextUpdate = new Date(thisUpdate.getTime() + days * dayMs)
  const number = ledger.takeCrlNumber(issuerKeyId)
  let published: PublishedCrl | undefined
  await ledger.publishCrl(issuerKeyId, number, async records => {
    const revoked = records.map(({ serialHex, since, reason }) => ({
      serialHex,
      date: since,
      ...(reason === undefined ? {} : { reason }),
    }))
    await writeAtomically(crlFile, signCrl(authority, { number, thisUpdate, nextUpdate, revoked }).pem)
    published = { number, entries: revoked.length, nextUpdate }
  })
  return published
}
