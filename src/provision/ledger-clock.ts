/** Whether the clock was set back since the ledger was last written: what was read once is not read again, since a ledger grows. */
import { type Problem, problem } from '../problem.ts'
import { type LedgerDatabase, statement } from './ledger-file.ts'

/** A clock may be this much behind the last entry. */
const clockSkewMs = 5 * 60_000

export class LedgerClock {
  readonly #database: LedgerDatabase
  /** The last event that was read, and the latest time of all of them. */
  #read = { id: 0, latest: 0 }

  constructor(database: LedgerDatabase) {
    this.#database = database
  }

  /** A clock that was set back would date new certificates before old ones, and CRLs before those they replace. */
  problemAt(now: number): Problem | undefined {
    const row = statement(this.#database, 'SELECT max(at) AS last, max(id) AS id FROM events WHERE id > ?').get(
      this.#read.id,
    )
    const { last, id } = row as { last: number | null; id: number | null }
    this.#read = { id: id ?? this.#read.id, latest: Math.max(this.#read.latest, last ?? 0) }
    if (now >= this.#read.latest - clockSkewMs) return undefined
    const latest = new Date(this.#read.latest).toISOString()
    return problem(
      'provision/clock-set-back',
      `the ledger was last written at ${latest}, and the clock is before that`,
      { help: 'correct the clock of this machine (timedatectl)' },
    )
  }
}
