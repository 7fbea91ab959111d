/**
 * Ledger: every certificate of an authority, from the reservation of its serial on. A certificate is reserved before it is
 * signed and noted as issued before anybody gets it, so a kill at any point leaves a record that is true and never a
 * certificate that nobody knows of. Every change is one transaction that excludes other writers (BEGIN IMMEDIATE).
 */
import { fail, ok, PortcullisError, type Problem, problem, type Result } from '../problem.ts'
import type { CrlReason } from './crl-writer.ts'
import { LedgerClock } from './ledger-clock.ts'
import { beginExclusively, type LedgerDatabase, openLedgerFile, orBusy, statement } from './ledger-file.ts'
import { predecessorProblem } from './ledger-objections.ts'
import {
  eventOf,
  type LedgerEvent,
  type LedgerRecord,
  type LedgerState,
  type Reservation,
  recordOf,
} from './ledger-record.ts'
import { LedgerTokens } from './ledger-tokens.ts'
import { takenProblem } from './taken-problem.ts'

/** A reservation that was not used within this time belongs to a process that is gone. */
export const leaseMs = 60_000

export interface LedgerOptions {
  readonly now: () => Date
  /** Who does it, for the record: `ops@host`. */
  readonly by: string
  /** How long to wait for another process that is writing, in milliseconds. */
  readonly busyMs?: number
}

interface Change {
  readonly state: LedgerState
  readonly reason?: CrlReason | undefined
  readonly der?: Uint8Array
}

export class Ledger {
  /** Enrolment tokens. */
  readonly tokens: LedgerTokens
  readonly #database: LedgerDatabase
  readonly #now: () => Date
  readonly #by: string
  readonly clock: LedgerClock

  constructor(database: LedgerDatabase, options: LedgerOptions) {
    this.#database = database
    this.clock = new LedgerClock(database)
    this.#now = options.now
    this.#by = options.by
    this.tokens = new LedgerTokens(database, { ...options, write: change => this.#write(change) })
  }

  /**
   * Reserves a serial for a certificate that is about to be signed. Refused where another living certificate holds
   * something that this one would hold too; with `renew` those of the same identity do not count.
   */
  reserve(reservation: Reservation): Result<LedgerRecord> {
    return this.reserveAll([reservation])[0] as Result<LedgerRecord>
  }

  /** The same for many in one transaction: each is reserved or refused on its own. */
  reserveAll(reservations: readonly Reservation[]): readonly Result<LedgerRecord>[] {
    return this.#write(() => {
      const now = this.#now().getTime()
      const wrongClock = this.clock.problemAt(now)
      return reservations.map(one => (wrongClock === undefined ? this.#reserve(one, now) : fail(wrongClock)))
    })
  }

  /** Notes that a reserved certificate was signed. Throws where the reservation is gone. */
  issue(record: LedgerRecord, der: Uint8Array): void {
    this.issueAll([{ record, der }])
  }

  /** The same for many in one transaction: all are noted, or none. */
  issueAll(signed: readonly { readonly record: LedgerRecord; readonly der: Uint8Array }[]): void {
    this.#write(() => {
      for (const { record, der } of signed) {
        if (this.#require(record.issuerKeyId, record.serialHex).state !== 'reserved') throw reservationLost(record)
        this.#move(record, { state: 'issued', der })
      }
    })
  }

  /** Every certificate that holds one of these or has held it, oldest first, by `kind text`: `identity device:site=s1,device=pump-7`. */
  everHeld(holds: readonly string[]): readonly LedgerRecord[] {
    const anyOf = 'hold IN (SELECT value FROM json_each(?)) GROUP BY certificates.rowid'
    return this.#records(`NATURAL JOIN holds WHERE ${anyOf} ORDER BY certificates.rowid`, JSON.stringify(holds))
  }

  /** Supersedes every other issued certificate of the same identity, and returns those. */
  supersedeOlder(record: LedgerRecord): readonly LedgerRecord[] {
    return this.#write(() => {
      const older = this.#olderOf(record)
      for (const one of older) this.#move(one, { state: 'superseded', reason: 'superseded' })
      return older
    })
  }

  /** Revokes what is not revoked yet, and returns that. */
  revoke(records: readonly LedgerRecord[], reason: CrlReason): readonly LedgerRecord[] {
    return this.#write(() => {
      const current = records.map(({ issuerKeyId, serialHex }) => this.#require(issuerKeyId, serialHex))
      const living = current.filter(({ state }) => state !== 'revoked')
      for (const one of living) this.#move(one, { state: 'revoked', reason })
      return living
    })
  }

  /** Every record, oldest first. */
  all(): readonly LedgerRecord[] {
    return this.#records('ORDER BY rowid')
  }

  /** The records of a name, oldest first. */
  ofName(name: string): readonly LedgerRecord[] {
    return this.#records('WHERE name = ? ORDER BY rowid', name)
  }

  /** The records of a serial, of whatever issuer key. */
  ofSerial(serialHex: string): readonly LedgerRecord[] {
    return this.#records('WHERE serial = ? ORDER BY rowid', serialHex)
  }

  /** What happened to a certificate, in order. */
  history({ issuerKeyId, serialHex }: LedgerRecord): readonly LedgerEvent[] {
    const rows = statement(
      this.#database,
      'SELECT * FROM events WHERE issuer_key_id = ? AND serial = ? ORDER BY id',
    ).all(issuerKeyId, serialHex)
    return rows.map(eventOf)
  }

  /** The next CRL number of an issuer key; it is never given again (RFC 5280 §5.2.3). */
  takeCrlNumber(issuerKeyId: string): number {
    return this.#write(() => {
      statement(
        this.#database,
        'INSERT INTO crls VALUES (?, 1, 0) ON CONFLICT (issuer_key_id) DO UPDATE SET taken = taken + 1',
      ).run(issuerKeyId)
      const row = statement(this.#database, 'SELECT taken FROM crls WHERE issuer_key_id = ?').get(issuerKeyId)
      return Number((row as { taken: number }).taken)
    })
  }

  /**
   * Hands every revoked and superseded certificate of an issuer key to `write`, while nobody else can write. Where a list
   * with a higher number is out already, which then names all of these, it is not called.
   */
  async publishCrl(
    issuerKeyId: string,
    number: number,
    write: (revoked: readonly LedgerRecord[]) => Promise<void>,
  ): Promise<void> {
    beginExclusively(this.#database)
    try {
      const row = statement(this.#database, 'SELECT written FROM crls WHERE issuer_key_id = ?').get(issuerKeyId)
      if (Number((row as { written: number } | undefined)?.written ?? 0) < number) {
        await write(
          this.#records("WHERE issuer_key_id = ? AND state IN ('revoked', 'superseded') ORDER BY rowid", issuerKeyId),
        )
        statement(this.#database, 'UPDATE crls SET written = ? WHERE issuer_key_id = ?').run(number, issuerKeyId)
      }
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      throw orBusy(error)
    }
  }

  close(): void {
    this.#database.close()
  }

  #write<T>(change: () => T): T {
    beginExclusively(this.#database)
    try {
      const value = change()
      this.#database.exec('COMMIT')
      return value
    } catch (error) {
      this.#rollBack()
      throw orBusy(error)
    }
  }

  /** SQLite has rolled back already where the disk failed. */
  #rollBack(): void {
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
  }

  #reserve(reservation: Reservation, now: number): Result<LedgerRecord> {
    const refused =
      predecessorProblem(this.#database, reservation) ??
      this.#compromised(reservation) ??
      this.#taken(reservation, now) ??
      this.tokens.spend(reservation) // last: whatever else refuses leaves the token good
    if (refused !== undefined) return fail(refused)
    this.#insert(reservation, now)
    return ok(this.#require(reservation.issuerKeyId, reservation.serialHex))
  }

  #insert(one: Reservation, now: number): void {
    statement(
      this.#database,
      `INSERT INTO certificates VALUES (?, ?, 'reserved', ?, ?, ?, ?, ?, ?, NULL, ?, NULL)`,
    ).run(
      one.issuerKeyId,
      one.serialHex,
      one.profile,
      one.name,
      one.identity ?? null,
      JSON.stringify(one.clientIds),
      one.keyHash,
      one.notAfter.getTime(),
      now,
    )
    const hold = statement(this.#database, 'INSERT INTO holds VALUES (?, ?, ?)')
    for (const what of new Set(one.holds)) hold.run(what, one.issuerKeyId, one.serialHex)
    this.#note(one, { state: 'reserved' }, now)
  }

  #move(record: LedgerRecord, change: Change): void {
    const now = this.#now().getTime()
    const { state, reason, der } = change
    statement(
      this.#database,
      'UPDATE certificates SET state = ?, reason = ?, since = ?, der = coalesce(?, der) WHERE issuer_key_id = ? AND serial = ?',
    ).run(state, reason ?? null, now, der ?? null, record.issuerKeyId, record.serialHex)
    this.#note(record, change, now)
  }

  #note(of: Pick<LedgerRecord, 'issuerKeyId' | 'serialHex'>, { state, reason }: Change, now: number): void {
    statement(
      this.#database,
      'INSERT INTO events (issuer_key_id, serial, state, at, by, reason) VALUES (?, ?, ?, ?, ?, ?)',
    ).run(of.issuerKeyId, of.serialHex, state, now, this.#by, reason ?? null)
  }

  /** A key that somebody else may have must not come back under a new certificate. */
  #compromised({ keyHash, name }: Reservation): Problem | undefined {
    const found = this.#records("WHERE key_hash = ? AND state = 'revoked' AND reason = 'keyCompromise'", keyHash)
    if (found.length === 0) return undefined
    return problem('provision/compromised-key', `the key for ${name} was reported as compromised`, {
      help: 'make a new key on the device',
    })
  }

  #taken(wanted: Reservation, now: number): Problem | undefined {
    for (const hold of wanted.holds) {
      for (const holder of this.#holders(hold, now)) {
        const isAbandoned = holder.state === 'reserved' && now - holder.since.getTime() >= leaseMs
        const isOwn = holder.identity !== undefined && holder.identity === wanted.identity
        // nobody has it, but it may have been signed: revoked, so that it never counts
        if (isAbandoned) this.#move(holder, { state: 'revoked', reason: 'cessationOfOperation' })
        else if (!isOwn || !wanted.renew || holder.state === 'reserved') return takenProblem(wanted, hold, holder)
      }
    }
    return undefined
  }

  #holders(hold: string, now: number): readonly LedgerRecord[] {
    return this.#records(
      `NATURAL JOIN holds WHERE hold = ? AND state <> 'revoked' AND state <> 'superseded' AND not_after >= ?`,
      hold,
      now,
    )
  }

  #olderOf(record: LedgerRecord): readonly LedgerRecord[] {
    if (record.identity === undefined) return []
    const issued = this.#records("WHERE identity = ? AND state = 'issued' ORDER BY rowid", record.identity)
    return issued.filter(({ serialHex }) => serialHex !== record.serialHex)
  }

  #require(issuerKeyId: string, serialHex: string): LedgerRecord {
    const [record] = this.#records('WHERE issuer_key_id = ? AND serial = ?', issuerKeyId, serialHex)
    if (record === undefined) throw new TypeError(`the ledger has no certificate ${serialHex}`)
    return record
  }

  #records(rest: string, ...values: (string | number)[]): readonly LedgerRecord[] {
    return statement(this.#database, `SELECT certificates.* FROM certificates ${rest}`)
      .all(...values)
      .map(recordOf)
  }
}

function reservationLost({ name }: LedgerRecord): PortcullisError {
  const sentence = `the reservation of ${name} was taken back before it was used`
  return new PortcullisError([problem('provision/reservation-lost', sentence, { help: 'issue it again' })])
}

/** Opens a ledger that `createLedgerFile` made. */
export function openLedger(path: string, options: LedgerOptions): Ledger {
  return new Ledger(openLedgerFile(path, options.busyMs), options)
}
