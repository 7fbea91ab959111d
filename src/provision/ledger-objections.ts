/** What the ledger has against a reservation whatever else is in it. */
import { type Problem, problem } from '../problem.ts'
import { type LedgerDatabase, statement } from './ledger-file.ts'
import type { Reservation } from './ledger-record.ts'

/** Whoever was let in by a certificate gets the next one only while that stands: a revocation in between wins. */
export function predecessorProblem(database: LedgerDatabase, wanted: Reservation): Problem | undefined {
  if (wanted.successorOf === undefined) return undefined
  const row = statement(
    database,
    'SELECT state FROM certificates WHERE issuer_key_id = ? AND serial = ? AND identity = ?',
  ).get(wanted.successorOf.issuerKeyId, wanted.successorOf.serialHex, wanted.identity ?? '') as
    | { state: string }
    | undefined
  if (row?.state === 'issued') return undefined
  return problem(
    'provision/not-in-force',
    row === undefined ? 'the ledger does not know the certificate' : `the certificate is ${row.state}`,
  )
}
