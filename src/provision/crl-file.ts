/** The CRLs of an authority as files, written from its ledger: whole, with a number that only rises, never older than one before. */
import { type Authority, signCrl } from './authority.ts'
import type { Ledger } from './ledger.ts'
import { writeAtomically } from './write-atomically.ts'

const dayMs = 86_400_000

export interface CrlSigner {
  readonly authority: Authority
  readonly issuerKeyId: string
  readonly crlFile: string
}

export interface CrlSource {
  /** Every issuing CA that is not retired: an older one goes on saying what it has revoked. */
  readonly signers: readonly CrlSigner[]
  readonly ledger: Ledger
  readonly now: () => Date
}

export interface PublishedCrl {
  readonly file: string
  /** Undefined where another process wrote a later one meanwhile, which then names everything that this one would. */
  readonly written: { readonly number: number; readonly entries: number; readonly nextUpdate: Date } | undefined
}

/** Writes the CRL of every issuing CA. Expired certificates stay on it: one may still own a kept session. */
export async function publishCrl(source: CrlSource, days: number): Promise<readonly PublishedCrl[]> {
  const published: PublishedCrl[] = []
  for (const signer of source.signers) published.push(await publishOne(source, signer, days))
  return published
}

async function publishOne(
  { ledger, now }: CrlSource,
  { authority, issuerKeyId, crlFile }: CrlSigner,
  days: number,
): Promise<PublishedCrl> {
  const thisUpdate = now()
  const nextUpdate = new Date(thisUpdate.getTime() + days * dayMs)
  const number = ledger.takeCrlNumber(issuerKeyId)
  let written: PublishedCrl['written']
  await ledger.publishCrl(issuerKeyId, number, async records => {
    const revoked = records.map(({ serialHex, since, reason }) => ({
      serialHex,
      date: since,
      ...(reason === undefined ? {} : { reason }),
    }))
    await writeAtomically(crlFile, signCrl(authority, { number, thisUpdate, nextUpdate, revoked }).pem)
    written = { number, entries: revoked.length, nextUpdate }
  })
  return { file: crlFile, written }
}
