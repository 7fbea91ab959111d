/** The ledger by itself: its law, its file, two processes at once, and processes that are killed at any point. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PortcullisError } from '../../src/problem.ts'
import { type Ledger, openLedger } from '../../src/provision/ledger.ts'
import { createLedgerFile } from '../../src/provision/ledger-file.ts'
import type { Reservation } from '../../src/provision/ledger-record.ts'
import { Random } from '../fuzz/random.ts'

const start = Date.UTC(2026, 0, 1)
const day = 86_400_000
let folder = ''
let path = ''
let nowMs = start
let serials = 0

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-ledger-'))
  path = join(folder, 'ledger.db')
  createLedgerFile(path)
  nowMs = start
  serials = 0
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = (busyMs?: number): Ledger =>
  openLedger(path, { now: () => new Date(nowMs), by: 'ops@test', ...(busyMs === undefined ? {} : { busyMs }) })

function reservation(name: string, more: Partial<Reservation> = {}): Reservation {
  serials++
  return {
    issuerKeyId: 'ca',
    serialHex: `4${serials}`,
    profile: 'device',
    name,
    identity: `device:site=s1,device=${name}`,
    clientIds: [name],
    keyHash: `key-${serials}`,
    notAfter: new Date(start + 365 * day),
    holds: [`client-id ${name}`, `device device=${name}`],
    renew: false,
    ...more,
  }
}

const der = Buffer.from('der')
const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof PortcullisError) return error.problems[0]?.code ?? ''
    throw error
  }
  return 'nothing thrown'
}
const refusal = (result: ReturnType<Ledger['reserve']>): string => (result.ok ? 'reserved' : result.problem.code)
const must = (result: ReturnType<Ledger['reserve']>) => {
  if (!result.ok) throw new PortcullisError([result.problem])
  return result.value
}

describe('a certificate', () => {
  test('is reserved, issued and revoked, with who and when of every step', () => {
    const ledger = open()
    const record = must(ledger.reserve(reservation('pump-7')))
    expect(record).toMatchObject({ state: 'reserved', name: 'pump-7', der: undefined })
    nowMs += 1000
    ledger.issue(record, der)
    nowMs += 1000
    expect(ledger.revoke(ledger.ofName('pump-7'), 'keyCompromise')).toHaveLength(1)
    expect(ledger.ofSerial('41')).toMatchObject([{ state: 'revoked', reason: 'keyCompromise', der }])
    expect(ledger.history(record)).toEqual([
      { state: 'reserved', at: new Date(start), by: 'ops@test', reason: undefined },
      { state: 'issued', at: new Date(start + 1000), by: 'ops@test', reason: undefined },
      { state: 'revoked', at: new Date(start + 2000), by: 'ops@test', reason: 'keyCompromise' },
    ])
    expect(ledger.revoke(ledger.ofName('pump-7'), 'unspecified')).toEqual([])
    ledger.close()
  })

  test('is refused while another has its client id, its unique values or its key, and not after', () => {
    const ledger = open()
    ledger.issue(must(ledger.reserve(reservation('pump-7'))), der)
    expect(refusal(ledger.reserve(reservation('pump-7')))).toBe('provision/taken')
    const elsewhere = { identity: 'device:site=s2,device=pump-7' }
    expect(refusal(ledger.reserve(reservation('pump-7', elsewhere)))).toBe('provision/taken')
    expect(refusal(ledger.reserve(reservation('pump-7', { ...elsewhere, renew: true })))).toBe('provision/taken')
    nowMs = start + 366 * day
    const later = { ...elsewhere, notAfter: new Date(start + 800 * day) }
    expect(refusal(ledger.reserve(reservation('pump-7', later)))).toBe('reserved')
    ledger.close()
  })

  test('is renewed beside the old one, or in its place', () => {
    const ledger = open()
    ledger.issue(must(ledger.reserve(reservation('pump-7'))), der)
    const second = must(ledger.reserve(reservation('pump-7', { renew: true })))
    ledger.issue(second, der)
    const third = must(ledger.reserve(reservation('pump-7', { renew: true })))
    ledger.issue(third, der)
    expect(ledger.supersedeOlder(third)).toHaveLength(2)
    expect(ledger.ofName('pump-7').map(({ state }) => state)).toEqual(['superseded', 'superseded', 'issued'])
    ledger.close()
  })

  test('never gets a key back that was compromised', () => {
    const ledger = open()
    const record = must(ledger.reserve(reservation('pump-7', { keyHash: 'stolen' })))
    ledger.issue(record, der)
    ledger.revoke([record], 'keyCompromise')
    const again = { identity: 'device:site=s1,device=pump-8', keyHash: 'stolen' }
    expect(refusal(ledger.reserve(reservation('pump-8', again)))).toBe('provision/compromised-key')
    ledger.close()
  })

  test('that was reserved by a process that is gone is taken back after a minute, and revoked', () => {
    const ledger = open()
    const lost = must(ledger.reserve(reservation('pump-7')))
    expect(refusal(ledger.reserve(reservation('pump-7')))).toBe('provision/taken')
    nowMs += 60_000
    ledger.issue(must(ledger.reserve(reservation('pump-7'))), der)
    expect(ledger.ofName('pump-7').map(({ state }) => state)).toEqual(['revoked', 'issued'])
    expect(codeOf(() => ledger.issue(lost, der))).toBe('provision/reservation-lost')
    ledger.close()
  })

  test('is not reserved by a clock that was set back, and is revoked even so', () => {
    const ledger = open()
    const record = must(ledger.reserve(reservation('pump-7')))
    nowMs -= 6 * 60_000
    expect(refusal(ledger.reserve(reservation('pump-8')))).toBe('provision/clock-set-back')
    expect(ledger.revoke([record], 'unspecified')).toHaveLength(1)
    ledger.close()
  })
})

describe('CRL numbers', () => {
  test('rise, and an older list never goes out after a newer one', async () => {
    const ledger = open()
    const record = must(ledger.reserve(reservation('pump-7')))
    ledger.revoke([record], 'unspecified')
    const [first, second] = [ledger.takeCrlNumber('ca'), ledger.takeCrlNumber('ca')]
    expect([first, second]).toEqual([1, 2])
    const written: string[] = []
    const write = (number: number) =>
      ledger.publishCrl('ca', number, async revoked => {
        written.push(`${number}: ${revoked.map(({ serialHex }) => serialHex).join()}`)
      })
    await write(second)
    await write(first)
    expect(written).toEqual(['2: 41'])
    await expect(
      ledger.publishCrl('ca', ledger.takeCrlNumber('ca'), () => Promise.reject(new Error('disk full'))),
    ).rejects.toThrow('disk full')
    expect(ledger.takeCrlNumber('ca')).toBe(4)
    ledger.close()
  })
})

describe('the file', () => {
  test('is readable for its owner only, and is not made twice', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(() => createLedgerFile(path)).toThrow(/EEXIST/)
  })

  test('deletes nothing and lets no certificate go back, whoever writes to it', () => {
    const ledger = open()
    ledger.issue(must(ledger.reserve(reservation('pump-7'))), der)
    ledger.close()
    const database = new Database(path)
    for (const table of ['certificates', 'holds', 'events'])
      expect(() => database.exec(`DELETE FROM ${table}`)).toThrow(/deletes nothing/)
    expect(() => database.exec("UPDATE certificates SET state = 'reserved'")).toThrow(/never goes back/)
    expect(() => database.exec("UPDATE events SET by = 'nobody'")).toThrow(/rewrites nothing/)
    database.close()
  })

  test.each<[string, string, () => void]>([
    ['missing', 'provision/no-ledger', () => rmSync(path)],
    ['empty', 'provision/bad-ledger', () => writeFileSync(path, '')],
    ['a text', 'provision/bad-ledger', () => writeFileSync(path, 'pump-7;s1\n'.repeat(100))],
    ['cut in half', 'provision/bad-ledger', () => writeFileSync(path, readFileSync(path).subarray(0, 10_000))],
    [
      'overwritten in the middle',
      'provision/bad-ledger',
      () => writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, 4096), Buffer.alloc(20_000, 7)])),
    ],
    ['another database', 'provision/bad-ledger', () => edit('PRAGMA application_id = 7')],
    ['of a later version', 'provision/bad-ledger', () => edit('PRAGMA user_version = 3')],
  ])('is refused where it is %s', (_, code, harm) => {
    harm()
    expect(codeOf(() => open())).toBe(code)
  })

  test('is waited for, and not for ever', () => {
    const ledger = open(20)
    const other = new Database(path)
    other.exec('BEGIN IMMEDIATE')
    expect(codeOf(() => ledger.reserve(reservation('pump-7')))).toBe('provision/ledger-busy')
    other.exec('ROLLBACK')
    expect(refusal(ledger.reserve(reservation('pump-7')))).toBe('reserved')
    other.close()
    ledger.close()
  })

  function edit(sql: string): void {
    const database = new Database(path)
    database.exec(sql)
    database.close()
  }
})

const child = fileURLToPath(new URL('../support/ledger-child.mjs', import.meta.url))

interface Ran {
  readonly lines: readonly string[]
  readonly signal: NodeJS.Signals | null
}

/** Runs a process that writes; kills it with SIGKILL once it has said `killAt` lines and a little more work was begun. */
function run(prefix: string, count: number, kill?: { readonly line: number; readonly turns: number }): Promise<Ran> {
  const process_ = spawn(process.execPath, [child, path, prefix, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  createInterface({ input: process_.stdout }).on('line', line => {
    lines.push(line)
    if (lines.length !== kill?.line) return
    // turns of the event loop: the moment within the next transaction differs
    const spin = (left: number): void => {
      if (left === 0) process_.kill('SIGKILL')
      else setImmediate(spin, left - 1)
    }
    spin(kill.turns)
  })
  return new Promise(resolve => process_.once('close', (_, signal) => resolve({ lines, signal })))
}

/** What a process was told is done must be in the ledger, in that state or a later one. */
function lost(lines: readonly string[], ledger: Ledger): readonly string[] {
  const order = ['reserved', 'issued', 'superseded', 'revoked']
  const states = new Map(ledger.all().map(({ serialHex, state }) => [serialHex, state]))
  return lines.filter(line => {
    const [state = '', serial = ''] = line.split(' ')
    return order.includes(state) && order.indexOf(states.get(serial) ?? '') < order.indexOf(state)
  })
}

test('two processes at once lose nothing and give no name twice', { timeout: 60_000 }, async () => {
  const ran = await Promise.all([run('a', 120), run('b', 120)])
  const ledger = open()
  expect(ran.map(({ lines }) => lines.at(-1))).toEqual(['done', 'done'])
  const all = ledger.all()
  const living = all.filter(({ state }) => state === 'issued').map(({ name }) => name)
  expect(new Set(living).size).toBe(living.length)
  expect(ran.flatMap(({ lines }) => lost(lines, ledger))).toEqual([])
  const events = all.map(record => ledger.history(record).map(({ state }) => state))
  expect(events.every(([first, second]) => first === 'reserved' && second === 'issued')).toBe(true)
  ledger.close()
})

const kills = Number(process.env['LEDGER_KILLS'] ?? 12)

test(`killed ${kills} times, it has what was said to be done, and no serial twice`, { timeout: 600_000 }, async () => {
  const random = new Random(20_260_101)
  const said: string[] = []
  let killed = 0
  for (let turn = 0; turn < kills; turn++) {
    const ran = await run(`k${turn}`, 100_000, { line: 1 + random.below(40), turns: random.below(60) })
    said.push(...ran.lines)
    if (ran.signal === 'SIGKILL') killed++
  }
  const ledger = open()
  const all = ledger.all()
  const number = (state: string): number => all.filter(record => record.state === state).length
  const counts = {
    killed,
    said: said.length,
    records: all.length,
    reserved: number('reserved'),
    issued: number('issued'),
    revoked: number('revoked'),
    lost: lost(said, ledger).length,
    serialsTwice: all.length - new Set(all.map(({ serialHex }) => serialHex)).size,
    // issued without its certificate, or a reservation with one
    untrue: all.filter(({ state, der }) => (state === 'reserved') === (der !== undefined)).length,
  }
  console.log(JSON.stringify(counts))
  expect(counts).toMatchObject({ killed: kills, lost: 0, serialsTwice: 0, untrue: 0 })
  // every process leaves at most the one reservation that it was at
  expect(counts.reserved).toBeLessThanOrEqual(kills)
  ledger.close()
})
