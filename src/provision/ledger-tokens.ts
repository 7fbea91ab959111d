/**
 * Enrolment tokens in the ledger: each is recorded before anybody has it, and ends once, spent or withdrawn. It is spent in the
 * transaction that reserves the serial of its certificate, so a kill leaves both or neither, and of two uses one wins.
 */
import { type Problem, problem } from '../problem.ts'
import { type LedgerDatabase, statement } from './ledger-file.ts'
import type { Reservation } from './ledger-record.ts'

export type TokenState = 'outstanding' | 'spent' | 'withdrawn'

/** What must be known before a token is handed out. The token itself is never stored. */
export interface NewToken {
  /** 128 random bits, hex. */
  readonly jti: string
  readonly issuerKeyId: string
  readonly name: string
  /** `device:site=s1,device=pump-7`. */
  readonly identity: string
  readonly expires: Date
}

export interface TokenRecord extends NewToken {
  readonly state: TokenState
  readonly issuedAt: Date
  readonly issuedBy: string
  readonly endedAt: Date | undefined
  readonly endedBy: string | undefined
  /** Serial of the certificate that it was spent for. */
  readonly serialHex: string | undefined
}

/** Whoever writes to the ledger, and how: in one transaction that excludes others. */
export interface TokenWriter {
  readonly write: <T>(change: () => T) => T
  readonly now: () => Date
  readonly by: string
}

/** Neither ended nor expired at the first value. */
const usable = "state = 'outstanding' AND expires >= ?"

export class LedgerTokens {
  readonly #database: LedgerDatabase
  readonly #writer: TokenWriter

  constructor(database: LedgerDatabase, writer: TokenWriter) {
    this.#database = database
    this.#writer = writer
  }

  /** Records a token, before anybody has it. Throws where its id is taken. */
  add({ jti, issuerKeyId, name, identity, expires }: NewToken): void {
    const { write, now, by } = this.#writer
    write(() =>
      statement(this.#database, "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, 'outstanding', ?, ?, NULL, NULL, NULL)").run(
        jti,
        issuerKeyId,
        name,
        identity,
        expires.getTime(),
        now().getTime(),
        by,
      ),
    )
  }

  /** The record of a token; undefined where the ledger never had it. */
  find(jti: string): TokenRecord | undefined {
    const row = statement(this.#database, 'SELECT * FROM tokens WHERE jti = ?').get(jti)
    return row === undefined ? undefined : tokenOf(row)
  }

  /** Every token, oldest first. */
  all(): readonly TokenRecord[] {
    return statement(this.#database, 'SELECT * FROM tokens ORDER BY rowid').all().map(tokenOf)
  }

  /** Withdraws a token; why not, where it has ended already or is unknown. */
  withdraw(jti: string): Problem | undefined {
    return this.#writer.write(() => this.#objection(jti) ?? this.#end(jti, 'withdrawn', undefined))
  }

  /** The tokens of a name that can still be used, oldest first. */
  outstandingOf(name: string): readonly TokenRecord[] {
    const nowMs = this.#writer.now().getTime()
    return statement(this.#database, `SELECT * FROM tokens WHERE ${usable} AND name = ? ORDER BY rowid`)
      .all(nowMs, name)
      .map(tokenOf)
  }

  /** Withdraws every token of these identities that could still be used, and returns those. */
  withdrawOf(identities: readonly string[]): readonly TokenRecord[] {
    const query = `SELECT * FROM tokens WHERE ${usable} AND identity IN (SELECT value FROM json_each(?)) ORDER BY rowid`
    return this.#writer.write(() => {
      const found = statement(this.#database, query)
        .all(this.#writer.now().getTime(), JSON.stringify(identities))
        .map(tokenOf)
      for (const { jti } of found) this.#end(jti, 'withdrawn', undefined)
      return found
    })
  }

  /** Spends the token of a reservation, within its transaction; why not, where it cannot be. */
  spend({ token, issuerKeyId, identity, name, serialHex }: Reservation): Problem | undefined {
    if (token === undefined) return undefined
    const found = this.find(token)
    const isFor = found?.issuerKeyId === issuerKeyId && found.identity === identity && found.name === name
    if (found !== undefined && !isFor) return problem('provision/bad-token', 'the token is for another device')
    return this.objection(token) ?? this.#end(token, 'spent', serialHex)
  }

  /** Why a token is of no use any more; undefined where it is. */
  objection(jti: string): Problem | undefined {
    const objection = this.#objection(jti)
    const found = this.find(jti)
    if (objection !== undefined || found === undefined) return objection
    if (this.#writer.now().getTime() <= found.expires.getTime()) return undefined
    return problem('provision/bad-token', `the token expired at ${found.expires.toISOString()}`)
  }

  #objection(jti: string): Problem | undefined {
    const found = this.find(jti)
    if (found === undefined) {
      return problem('provision/bad-token', 'the ledger knows no such token', {
        help: '`portcullis enroll list` shows what there is',
      })
    }
    if (found.state === 'outstanding') return undefined
    const since = found.endedAt?.toISOString()
    return problem('provision/bad-token', `the token is ${found.state} since ${since}`, {
      help: 'make another one: portcullis enroll token',
    })
  }

  #end(jti: string, state: TokenState, serialHex: string | undefined): undefined {
    const { now, by } = this.#writer
    statement(this.#database, 'UPDATE tokens SET state = ?, ended_at = ?, ended_by = ?, serial = ? WHERE jti = ?').run(
      state,
      now().getTime(),
      by,
      serialHex ?? null,
      jti,
    )
  }
}

function tokenOf(value: unknown): TokenRecord {
  const row = value as Record<string, unknown>
  const endedAt = row['ended_at'] as number | null
  return {
    jti: String(row['jti']),
    issuerKeyId: String(row['issuer_key_id']),
    name: String(row['name']),
    identity: String(row['identity']),
    expires: new Date(Number(row['expires'])),
    state: row['state'] as TokenState,
    issuedAt: new Date(Number(row['issued_at'])),
    issuedBy: String(row['issued_by']),
    endedAt: endedAt === null ? undefined : new Date(endedAt),
    endedBy: (row['ended_by'] as string | null) ?? undefined,
    serialHex: (row['serial'] as string | null) ?? undefined,
  }
}
