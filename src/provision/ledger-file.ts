/**
 * The file of a ledger: one SQLite database in one file (rollback journal, no side files that a backup could forget), with
 * every commit flushed. It is made whole by `createLedgerFile`, and opened only where it is known to be one of ours and whole.
 */
import { closeSync, openSync, readSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import type Database from 'libsql'
import { ConfigurationError, PortcullisError, problem } from '../problem.ts'

/** How long a command waits for another one that is writing. */
const defaultBusyMs = 10_000
/** "PCLG": tells a ledger from any other SQLite database. */
const applicationId = 0x50434c47

export type LedgerDatabase = Database.Database

/**
 * Version 1: certificates, what each holds, what happened to them, and CRL numbers.
 *
 * Two laws stand in the file itself, for whoever writes to it: nothing is ever deleted, and no certificate goes back to an
 * earlier state.
 */
const certificates = `
CREATE TABLE certificates (
  issuer_key_id TEXT NOT NULL,
  serial TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('reserved', 'issued', 'superseded', 'revoked')),
  profile TEXT NOT NULL CHECK (profile IN ('device', 'server')),
  name TEXT NOT NULL,
  identity TEXT,
  client_ids TEXT NOT NULL,
  key_hash TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  der BLOB,
  since INTEGER NOT NULL,
  reason TEXT,
  PRIMARY KEY (issuer_key_id, serial)
) STRICT;
CREATE INDEX certificates_name ON certificates (name);
CREATE INDEX certificates_key ON certificates (key_hash);
CREATE TABLE holds (
  hold TEXT NOT NULL,
  issuer_key_id TEXT NOT NULL,
  serial TEXT NOT NULL,
  PRIMARY KEY (hold, issuer_key_id, serial),
  FOREIGN KEY (issuer_key_id, serial) REFERENCES certificates (issuer_key_id, serial)
) STRICT;
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issuer_key_id TEXT NOT NULL,
  serial TEXT NOT NULL,
  state TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  reason TEXT,
  FOREIGN KEY (issuer_key_id, serial) REFERENCES certificates (issuer_key_id, serial)
) STRICT;
CREATE INDEX events_certificate ON events (issuer_key_id, serial);
CREATE TABLE crls (
  issuer_key_id TEXT PRIMARY KEY,
  taken INTEGER NOT NULL,
  written INTEGER NOT NULL
) STRICT;
CREATE TRIGGER certificates_stay BEFORE DELETE ON certificates BEGIN SELECT RAISE(ABORT, 'a ledger deletes nothing'); END;
CREATE TRIGGER holds_stay BEFORE DELETE ON holds BEGIN SELECT RAISE(ABORT, 'a ledger deletes nothing'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'a ledger deletes nothing'); END;
CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'a ledger rewrites nothing'); END;
CREATE TRIGGER certificates_move BEFORE UPDATE OF state ON certificates
WHEN NOT (
  (OLD.state = 'reserved' AND NEW.state IN ('issued', 'revoked'))
  OR (OLD.state = 'issued' AND NEW.state IN ('superseded', 'revoked'))
  OR (OLD.state = 'superseded' AND NEW.state = 'revoked')
)
BEGIN SELECT RAISE(ABORT, 'a certificate never goes back to an earlier state'); END;
`

/** Version 2: enrolment tokens. One ends once, and is never forgotten: what is spent stays spent. */
const tokens = `
CREATE TABLE tokens (
  jti TEXT PRIMARY KEY,
  issuer_key_id TEXT NOT NULL,
  name TEXT NOT NULL,
  identity TEXT NOT NULL,
  expires INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('outstanding', 'spent', 'withdrawn')),
  issued_at INTEGER NOT NULL,
  issued_by TEXT NOT NULL,
  ended_at INTEGER,
  ended_by TEXT,
  serial TEXT
) STRICT;
CREATE TRIGGER tokens_stay BEFORE DELETE ON tokens BEGIN SELECT RAISE(ABORT, 'a ledger deletes nothing'); END;
CREATE TRIGGER tokens_move BEFORE UPDATE ON tokens WHEN OLD.state <> 'outstanding'
BEGIN SELECT RAISE(ABORT, 'a token ends once'); END;
`

/** What each version adds to the one before it. */
const versions: readonly string[] = [certificates, tokens]
const schemaVersion = versions.length

/** Makes an empty ledger, 0600. The file must not exist. Where it cannot be made whole, nothing stays. */
export function createLedgerFile(path: string): void {
  closeSync(openSync(path, 'wx', 0o600))
  try {
    const database = openDatabase(path, defaultBusyMs)
    database.exec(
      `BEGIN IMMEDIATE; ${versions.join('')} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`,
    )
    database.close()
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}

/** Begins a transaction that excludes other writers. Throws `provision/ledger-busy` where one does not end. */
export function beginExclusively(database: LedgerDatabase): void {
  try {
    database.exec('BEGIN IMMEDIATE')
  } catch (error) {
    throw orBusy(error)
  }
}

/** `provision/ledger-busy` for SQLite's way to say that another process did not let go in time, and any other error as it is. */
export function orBusy(error: unknown): unknown {
  if ((error as { code?: unknown }).code !== 'SQLITE_BUSY') return error
  return new PortcullisError([
    problem('provision/ledger-busy', 'another command is at the ledger, and does not end', {
      help: 'wait until it is done, and run this one again',
    }),
  ])
}

/** Opens a ledger, one of an earlier version too. Throws ConfigurationError where the file is missing, foreign, of a later version, or broken. */
export function openLedgerFile(path: string, busyMs: number = defaultBusyMs): LedgerDatabase {
  requireDatabase(path)
  const opened = attempt(path, () => openDatabase(path, busyMs))
  try {
    requireOurs(path, opened)
    bringUp(opened)
    return opened
  } catch (error) {
    opened.close()
    throw error
  }
}

/** Before SQLite sees it: it would make a missing file, and take an empty one for an empty database. */
function requireDatabase(path: string): void {
  const head = Buffer.alloc(15)
  try {
    const file = openSync(path, 'r')
    try {
      readSync(file, head)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    throw refused('provision/no-ledger', path, `the ledger cannot be read (${reason})`)
  }
  if (head.toString('latin1') !== 'SQLite format 3')
    throw refused('provision/bad-ledger', path, 'the file is not a ledger')
}

function requireOurs(path: string, database: LedgerDatabase): void {
  const [id, version] = attempt(path, () => [pragma(database, 'application_id'), pragma(database, 'user_version')])
  if (id !== applicationId) throw refused('provision/bad-ledger', path, 'the database is not a ledger of Portcullis')
  if (typeof version !== 'number' || version < 1 || version > schemaVersion) {
    const sentence = `the ledger is of version ${version}, and this program knows version ${schemaVersion}`
    throw refused('provision/bad-ledger', path, sentence)
  }
  const verdict = attempt(path, () => pragma(database, 'quick_check'))
  if (verdict !== 'ok') throw refused('provision/bad-ledger', path, 'the ledger is damaged')
}

/** Adds what later versions have, in one transaction: a kill leaves the version before, and of two processes one does it. */
function bringUp(database: LedgerDatabase): void {
  if (pragma(database, 'user_version') === schemaVersion) return
  beginExclusively(database)
  try {
    const missing = versions.slice(Number(pragma(database, 'user_version')))
    database.exec(`${missing.join('')} PRAGMA user_version = ${schemaVersion}; COMMIT`)
  } finally {
    if (database.inTransaction) database.exec('ROLLBACK')
  }
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (code === 'SQLITE_BUSY') throw error
    throw refused('provision/bad-ledger', path, `the ledger is damaged (${String(code ?? 'no reason given')})`)
  }
}

/** Native code, loaded where it is used: `serve` runs on a platform that has no prebuilt file of it. */
const require = createRequire(import.meta.url)

function openDatabase(path: string, busyMs: number): LedgerDatabase {
  const Sqlite = require('libsql') as typeof Database
  const database = new Sqlite(path, { timeout: busyMs })
  database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
  return database
}

function pragma(database: LedgerDatabase, name: string): unknown {
  const [row] = database.prepare(`PRAGMA ${name}`).all() as Record<string, unknown>[]
  return row?.[name]
}

function refused(code: 'provision/no-ledger' | 'provision/bad-ledger', file: string, sentence: string): Error {
  const help =
    code === 'provision/no-ledger'
      ? 'name the folder of `portcullis ca create` with --ca DIR'
      : 'put back a copy of ledger.db from your backup; nothing was changed'
  return new ConfigurationError([problem(code, sentence, { where: { file }, help })])
}

const prepared = new WeakMap<LedgerDatabase, Map<string, Database.Statement>>()

/** A statement, prepared once: making one costs more than most of them take. */
export function statement(database: LedgerDatabase, sql: string): Database.Statement {
  const known = prepared.get(database) ?? new Map<string, Database.Statement>()
  prepared.set(database, known)
  const made = known.get(sql) ?? database.prepare(sql)
  known.set(sql, made)
  return made
}
