/**
 * Issues a certificate through the ledger: its serial is reserved, it is signed, its files are staged, the ledger is told, and
 * only then do the files appear. Nobody ever has a certificate that the ledger does not know.
 */
import type { KeyObject } from 'node:crypto'
import { ok, type Result } from '../problem.ts'
import { createSerial, type SignedCertificate, signLeaf } from './authority.ts'
import type { OpenCa } from './ca-folder.ts'
import type { CertificateNames } from './identity-names.ts'
import { keyHashOf } from './keys.ts'
import type { LedgerRecord, Reservation } from './ledger-record.ts'
import type { StagedFiles } from './staged-files.ts'

/** A certificate that is to be. */
export interface LeafPlan
  extends Pick<Reservation, 'profile' | 'name' | 'identity' | 'clientIds' | 'holds' | 'notAfter'>,
    CertificateNames {
  readonly publicKey: KeyObject
  readonly notBefore: Date
}

export interface IssueOptions {
  /** Certificates of the same identity may be there. */
  readonly renew: boolean
  /** They are superseded, once the new one is out. */
  readonly supersede?: boolean
  readonly replaceFiles?: boolean
  /** For the serial. Default: `node:crypto`. */
  readonly random?: (octets: number) => Buffer
  /** Id of the enrolment token that it spends, and the certificate that asked for it. */
  readonly token?: string | undefined
  readonly successorOf?: Reservation['successorOf']
  /** Writes the files of the signed certificate under temporary names. */
  readonly stage: (signed: SignedCertificate) => Promise<StagedFiles>
}

export interface Issued {
  readonly signed: SignedCertificate
  readonly superseded: readonly LedgerRecord[]
}

/** Refused where another living certificate has the same. Rejects where a disk fails; nobody has the certificate then. */
export async function issueThroughLedger(ca: OpenCa, plan: LeafPlan, options: IssueOptions): Promise<Result<Issued>> {
  const reserved = ca.ledger.reserve(reservationOf(ca, plan, options))
  if (!reserved.ok) return reserved
  const signed = await signAndPublish(ca, plan, reserved.value, options)
  const superseded = options.supersede ? ca.ledger.supersedeOlder(reserved.value) : []
  return ok({ signed, superseded })
}

/** What the ledger is asked for, with a serial of its own. */
export function reservationOf(
  { issuerKeyId }: OpenCa,
  plan: LeafPlan,
  { renew, token, successorOf, random }: Omit<IssueOptions, 'stage'>,
): Reservation {
  const { profile, name, identity, clientIds, holds, notAfter, publicKey } = plan
  const [serialHex, keyHash] = [createSerial(random), keyHashOf(publicKey)]
  const asked = { profile, name, identity, clientIds, holds, notAfter, issuerKeyId, serialHex, keyHash }
  return { ...asked, renew, token, successorOf }
}

async function signAndPublish(
  ca: OpenCa,
  plan: LeafPlan,
  record: LedgerRecord,
  options: IssueOptions,
): Promise<SignedCertificate> {
  let staged: StagedFiles | undefined
  try {
    const signed = signLeaf(ca.authority, { ...plan, serialHex: record.serialHex })
    staged = await options.stage(signed)
    ca.ledger.issue(record, signed.der)
    await staged.publish({ replace: options.replaceFiles ?? false })
    return signed
  } catch (error) {
    await staged?.discard()
    takeBack(ca, [record])
    throw error
  }
}

/** Nobody has them, and nobody will: they are revoked rather than left to look as if somebody had. */
export function takeBack({ ledger }: OpenCa, records: readonly LedgerRecord[]): void {
  try {
    ledger.revoke(records, 'cessationOfOperation')
  } catch {
    // the disk that failed first may fail again: the records stay as they are, which is true as well
  }
}
