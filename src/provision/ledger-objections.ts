/** What the ledger has against a reservation whatever else is in it: a clock that was set back, a predecessor not in force. */
import { type Problem, problem } from '../problem.ts'
import type { LedgerDatabase } from './ledger-file.ts'
import type { Reservation } from './ledger-record.ts'

/** A clock may be this much behind the last entry. */
const clockSkewMs = 5 * 60_000

/** A clock that was set back would date new certificates before old ones, and CRLs before those they replace. */
export function clockProblem(database: LedgerDatabase, now: number): Problem | undefined {
  const row = database.prepare('SELECT max(at) AS last FROM events').get() as { last: number | null }
  if (row.last === null || now >= row.last - clockSkewMs) return undefined
  const last = new Date(row.last).toISOString()
  return problem('provision/clock-set-back', `the ledger was last written at ${last}, and the clock is before that`, {
    help: 'correct the clock of this machine (timedatectl)',
  })
}

/** Whoever was let in by a certificate gets the next one only while that stands: a revocation in between wins. */
export function predecessorProblem(database: LedgerDatabase, wanted: Reservation): Problem | undefined {
  if (wanted.successorOf === undefined) return undefined
  const row = database
    .prepare('SELECT state FROM certificates WHERE issuer_key_id = ? AND serial = ? AND identity = ?')
    .get(wanted.issuerKeyId, wanted.successorOf, wanted.identity ?? '') as { state: string } | undefined
  if (row?.state === 'issued') return undefined
  return problem(
    'provision/not-in-force',
    row === undefined ? 'the ledger does not know the certificate' : `the certificate is ${row.state}`,
  )
}
