/** Enrolment tokens in the ledger: once, by whoever comes first, together with the reservation or not at all; and ledgers that knew none. */
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Problem } from '../../src/problem.ts'
import { type Ledger, openLedger } from '../../src/provision/ledger.ts'
import { createLedgerFile } from '../../src/provision/ledger-file.ts'
import type { Reservation } from '../../src/provision/ledger-record.ts'

const start = Date.UTC(2026, 0, 1)
const hour = 3_600_000
const jti = 'ab'.repeat(16)
let folder = ''
let path = ''
let nowMs = start

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-tokens-'))
  path = join(folder, 'ledger.db')
  createLedgerFile(path)
  nowMs = start
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = (by = 'ops@test', busyMs = 1000): Ledger => openLedger(path, { now: () => new Date(nowMs), by, busyMs })
const pump = { issuerKeyId: 'ca', name: 'pump-7', identity: 'device:device=pump-7' }
const token = { ...pump, jti, expires: new Date(start + hour) }

function wanted(serialHex: string, more: Partial<Reservation> = {}): Reservation {
  return {
    ...pump,
    serialHex,
    profile: 'device',
    clientIds: ['pump-7'],
    keyHash: `key-${serialHex}`,
    notAfter: new Date(start + 24 * hour),
    holds: [`serial ${serialHex}`], // so that nothing but the token stands in the way
    renew: false,
    token: jti,
    ...more,
  }
}

const sentence = (p: Problem | undefined): string => `${p?.code}: ${p?.sentence}`
const refusal = (result: ReturnType<Ledger['reserve']>): string =>
  result.ok ? 'reserved' : `${result.problem.code}: ${result.problem.sentence}`

describe('a token', () => {
  test('is spent with the reservation, with who and when, and once', () => {
    const ledger = open()
    ledger.tokens.add(token)
    nowMs += 1000
    expect(refusal(ledger.reserve(wanted('41')))).toBe('reserved')
    expect(ledger.tokens.find(jti)).toMatchObject({
      state: 'spent',
      serialHex: '41',
      issuedBy: 'ops@test',
      endedAt: new Date(start + 1000),
      endedBy: 'ops@test',
    })
    expect(refusal(ledger.reserve(wanted('42')))).toBe(
      'provision/bad-token: the token is spent since 2026-01-01T00:00:01.000Z',
    )
    expect(ledger.all().map(({ serialHex }) => serialHex)).toEqual(['41'])
  })

  test('stays good where the reservation is refused for another reason', () => {
    const ledger = open()
    ledger.reserve(wanted('40', { token: undefined, identity: 'device:device=pump-8', holds: ['client-id x'] }))
    ledger.tokens.add(token)
    expect(refusal(ledger.reserve(wanted('41', { holds: ['client-id x'] })))).toMatch(/^provision\/taken/)
    expect(ledger.tokens.find(jti)?.state).toBe('outstanding')
  })

  test('withdrawn, expired, unknown, of another device or authority: it reserves nothing', () => {
    const ledger = open()
    ledger.tokens.add(token)
    const tries: [string, string, Partial<Reservation>][] = [
      ['unknown', 'the ledger knows no such token', { token: 'cd'.repeat(16) }],
      ['of another identity', 'the token is for another device', { identity: 'device:device=pump-8' }],
      ['of another name', 'the token is for another device', { name: 'pump-8' }],
      ['of another authority', 'the token is for another device', { issuerKeyId: 'other' }],
    ]
    for (const [, why, more] of tries)
      expect(refusal(ledger.reserve(wanted('41', more)))).toBe(`provision/bad-token: ${why}`)
    nowMs = start + hour + 1
    expect(refusal(ledger.reserve(wanted('41')))).toBe(
      'provision/bad-token: the token expired at 2026-01-01T01:00:00.000Z',
    )
    nowMs = start + hour
    expect(ledger.tokens.withdraw(jti)).toBeUndefined()
    expect(refusal(ledger.reserve(wanted('41')))).toMatch(/^provision\/bad-token: the token is withdrawn/)
    expect(sentence(ledger.tokens.withdraw(jti))).toMatch(/^provision\/bad-token: the token is withdrawn/)
    expect(sentence(ledger.tokens.withdraw('00'))).toBe('provision/bad-token: the ledger knows no such token')
    expect(ledger.all()).toEqual([])
  })

  test('of two processes that use it one wins', () => {
    const [one, two] = [open('one'), open('two')]
    one.tokens.add(token)
    // both have looked, and found it good
    expect([one.tokens.objection(jti), two.tokens.objection(jti)]).toEqual([undefined, undefined])
    expect(refusal(one.reserve(wanted('41')))).toBe('reserved')
    expect(refusal(two.reserve(wanted('42')))).toMatch(/^provision\/bad-token: the token is spent/)
    expect(two.all()).toHaveLength(1)
  })

  test('ends once, and is never forgotten, whoever writes to the file', () => {
    const ledger = open()
    ledger.tokens.add(token)
    ledger.reserve(wanted('41'))
    const database = new Database(path)
    expect(() => database.exec("UPDATE tokens SET state = 'outstanding'")).toThrow(/ends once/)
    expect(() => database.exec('DELETE FROM tokens')).toThrow(/deletes nothing/)
    database.close()
    expect(() => ledger.tokens.add(token)).toThrow(/UNIQUE/)
  })
})

describe('the successor of a certificate', () => {
  const first = (): Ledger => {
    const ledger = open()
    const record = ledger.reserve(wanted('41', { token: undefined }))
    if (record.ok) ledger.issue(record.value, Buffer.from('der'))
    return ledger
  }
  const next = wanted('42', { token: undefined, renew: true, successorOf: { issuerKeyId: 'ca', serialHex: '41' } })

  test('is reserved while that is in force', () => {
    expect(refusal(first().reserve(next))).toBe('reserved')
  })

  test('is refused where that was revoked in between, or is of somebody else', () => {
    const ledger = first()
    expect(refusal(ledger.reserve({ ...next, successorOf: { issuerKeyId: 'ca', serialHex: '40' } }))).toMatch(
      /^provision\/not-in-force: the ledger does not/,
    )
    expect(refusal(ledger.reserve({ ...next, identity: 'device:device=pump-8' }))).toMatch(/^provision\/not-in-force/)
    ledger.revoke(ledger.ofSerial('41'), 'keyCompromise')
    expect(refusal(ledger.reserve(next))).toBe('provision/not-in-force: the certificate is revoked')
    expect(ledger.all()).toHaveLength(1)
  })
})

describe('a ledger of version 1', () => {
  const versionOf = (): unknown => {
    const database = new Database(path)
    const [row] = database.prepare('PRAGMA user_version').all() as { user_version: number }[]
    database.close()
    return row?.user_version
  }

  test('opens with everything in it, and takes tokens from then on', () => {
    // made by the version before tokens, with one certificate: issued, then revoked
    copyFileSync(new URL('../vectors/ledger-v1.db', import.meta.url), path)
    expect(versionOf()).toBe(1)
    const ledger = open()
    const [record, ...more] = ledger.all()
    expect([record, more]).toMatchObject([{ name: 'pump-1', state: 'revoked', reason: 'keyCompromise' }, []])
    expect(ledger.history(record as NonNullable<typeof record>)).toHaveLength(3)
    expect(ledger.takeCrlNumber('ca')).toBe(2)
    ledger.tokens.add(token)
    ledger.close()
    expect(versionOf()).toBe(2)
    expect(open().tokens.all()).toMatchObject([{ jti, state: 'outstanding' }])
  })

  test('is brought up by one of two that open it at once', () => {
    copyFileSync(new URL('../vectors/ledger-v1.db', import.meta.url), path)
    const other = new Database(path)
    other.exec('BEGIN IMMEDIATE') // while it is being written the other one waits, and gives up
    expect(() => open('other', 20)).toThrow('provision/ledger-busy')
    other.exec('ROLLBACK')
    other.close()
    expect([open(), open()].map(ledger => ledger.tokens.all())).toEqual([[], []])
  })
})

test('killed at any point, a token is spent where its serial is reserved, and nowhere else', {
  timeout: 120_000,
}, async () => {
  const child = fileURLToPath(new URL('../support/token-child.mjs', import.meta.url))
  const kill = (prefix: string, lines: number, turns: number): Promise<void> => {
    const process_ = spawn(process.execPath, [child, path, prefix], { stdio: ['ignore', 'pipe', 'inherit'] })
    let seen = 0
    const spin = (left: number): void => {
      if (left === 0) process_.kill('SIGKILL')
      else setImmediate(spin, left - 1)
    }
    createInterface({ input: process_.stdout }).on('line', () => {
      seen++
      if (seen === lines) spin(turns)
    })
    return new Promise(resolve => process_.once('close', () => resolve()))
  }
  for (let turn = 0; turn < 8; turn++) await kill(`k${turn}`, 1 + turn * 3, turn * 7)
  const ledger = openLedger(path, { now: () => new Date(), by: 'test' })
  const spent = ledger.tokens.all().filter(({ state }) => state === 'spent')
  const reserved = ledger.all().map(({ serialHex }) => serialHex)
  expect(spent.length).toBeGreaterThan(0)
  expect(spent.map(({ serialHex }) => serialHex)).toEqual(reserved)
  ledger.close()
})
