import { describe, expect, it } from 'vitest'
import type { FoundIssuer } from '../../src/accept/issuers.ts'
import { loadIssuers } from '../../src/accept/load-issuers.ts'
import { openRevocations, type RevocationSettings, type Revocations } from '../../src/accept/revocation.ts'
import type { TraceEvent } from '../../src/trace.ts'
import {
  codesOf,
  dayMs,
  hourMs,
  MemoryFiles,
  makeCrl,
  makeDevice,
  makeIssuing,
  makeRoot,
  start,
} from '../support/authorities.ts'

const root = makeRoot()
const issuing = makeIssuing(root)
const device = makeDevice(issuing)
const revoked = [{ serialHex: device.serialHex, date: new Date(start), reason: 'keyCompromise' as const }]
const minute = 60_000

interface Setup {
  readonly revocations: Revocations
  readonly files: MemoryFiles
  readonly found: FoundIssuer
  readonly events: readonly TraceEvent[]
  readonly clock: { now: number }
  /** The code of a check of the device now, or `ok`. */
  verdict(options?: { live?: boolean }): string
  /** Replaces acme.crl, reloads, and gives the codes of what was not taken over. */
  replace(crl: string | Buffer): Promise<readonly string[]>
}

async function setUp(
  options: { crl?: readonly string[]; files?: MemoryFiles; settings?: Partial<RevocationSettings>; now?: number } = {},
): Promise<Setup> {
  const files = options.files ?? new MemoryFiles()
  files.set('root.pem', root.pem).set('issuing.pem', issuing.pem)
  if (!files.files.has('/pki/acme.crl')) files.set('acme.crl', makeCrl(issuing, { number: 5 }).pem)
  const clock = { now: options.now ?? start + hourMs }
  const io = { readFile: files.readFile, now: () => clock.now }
  const issuers = await loadIssuers(
    { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: options.crl ?? ['acme.crl'] } },
    '/pki',
    io,
  )
  const events: TraceEvent[] = []
  const revocations = await openRevocations(issuers, { ...options.settings, ...io, trace: event => events.push(event) })
  const found = issuers.findIssuer(device.der, device.fingerprint)
  if (found === undefined) throw new Error('no issuer')
  return {
    revocations,
    files,
    found,
    events,
    clock,
    verdict: how => {
      const result = revocations.check(found, device.serialHex, clock.now, how)
      return result.ok ? 'ok' : result.problem.code
    },
    replace: async crl => {
      files.set('acme.crl', crl)
      return (await revocations.reload()).map(p => p.code)
    },
  }
}

describe('check (4.2, 4.3)', () => {
  it('permits, then refuses once a CRL lists the certificate, and says why and since when', async () => {
    const s = await setUp()
    expect(s.verdict()).toBe('ok')
    const epoch = s.revocations.epoch
    expect(await s.replace(makeCrl(issuing, { number: 6, revoked }).der)).toEqual([])
    expect(s.verdict()).toBe('accept/revoked')
    expect(s.verdict({ live: true })).toBe('accept/revoked')
    expect(s.revocations.epoch).toBeGreaterThan(epoch)
    const result = s.revocations.check(s.found, device.serialHex, s.clock.now)
    expect(result).toMatchObject({ problem: { sentence: 'the certificate was revoked on 2026-03-01 (keyCompromise)' } })
    expect(s.events.at(-1)).toEqual({ event: 'revocations-loaded', issuer: 'acme', entries: 1 })
  })

  it('knows a serial number however it is written, and only of its own CA', async () => {
    const s = await setUp()
    await s.replace(makeCrl(issuing, { number: 6, revoked }).der)
    const { keyId } = s.found.configured.certificate
    expect(s.revocations.isRevoked(keyId, `00${device.serialHex.toUpperCase()}`)).toMatchObject({
      reason: 'keyCompromise',
    })
    expect(s.revocations.isRevoked(keyId, '4242')).toBeUndefined()
    expect(
      s.revocations.isRevoked(s.found.configured.parent?.certificate.keyId ?? '', device.serialHex),
    ).toBeUndefined()
  })

  it('refuses every certificate of a CA that the root revoked', async () => {
    const files = new MemoryFiles().set(
      'root.crl',
      makeCrl(root, { revoked: [{ serialHex: issuing.serialHex, date: new Date(start) }] }).pem,
    )
    const s = await setUp({ crl: ['acme.crl', 'root.crl'], files })
    expect(s.verdict()).toBe('accept/issuer-revoked')
  })

  it('refuses once the CA has ended', async () => {
    const s = await setUp({ settings: { onStaleCrl: 'keep' } })
    s.clock.now = issuing.notAfter.getTime()
    expect(s.verdict()).toBe('ok')
    s.clock.now++
    expect(s.verdict()).toBe('accept/issuer-expired')
  })

  it('checks no CRL where none is configured', async () => {
    const s = await setUp({ crl: [] })
    s.clock.now += 300 * dayMs
    expect(s.verdict()).toBe('ok')
    expect(s.revocations.files).toEqual([])
    expect(s.revocations.staleness('acme', s.clock.now)).toBe('fresh')
  })
})

describe('staleness (4.4)', () => {
  const next = start + 2 * dayMs

  it('goes from fresh to alarm at half the period, and to stale after the grace', async () => {
    const s = await setUp()
    const at = (time: number): string => s.revocations.staleness('acme', time)
    expect([at(start + dayMs - 1), at(start + dayMs), at(next + 24 * hourMs), at(next + 24 * hourMs + 1)]).toEqual([
      'fresh',
      'alarm',
      'alarm',
      'stale',
    ])
  })

  it('refuses new connections of a stale issuer, and lets live ones be', async () => {
    const s = await setUp({ settings: { crlGraceHours: 1 } })
    s.clock.now = next + hourMs
    expect(s.verdict()).toBe('ok')
    s.clock.now++
    expect(s.verdict()).toBe('accept/stale-crl')
    expect(s.verdict({ live: true })).toBe('ok')
  })

  it('goes on with `keep`, and what was revoked stays revoked', async () => {
    const files = new MemoryFiles().set('acme.crl', makeCrl(issuing, { revoked }).pem)
    const s = await setUp({ settings: { onStaleCrl: 'keep' }, files })
    s.clock.now = next + 30 * dayMs
    expect(s.revocations.staleness('acme', s.clock.now)).toBe('stale')
    expect(s.verdict()).toBe('accept/revoked')
    expect((await setUp({ settings: { onStaleCrl: 'keep' }, now: next + 30 * dayMs })).verdict()).toBe('ok')
  })

  it('tells each worsening once', async () => {
    const s = await setUp()
    const alarms = (): number =>
      s.events.filter(e => e.event === 'alarm' && e.problem.code === 'accept/aging-crl').length
    s.clock.now = start + dayMs
    for (let i = 0; i < 3; i++) s.verdict()
    expect(alarms()).toBe(1)
    s.clock.now = next + 30 * hourMs
    for (let i = 0; i < 3; i++) s.verdict()
    expect(alarms()).toBe(2)
  })

  it('does not come back to life when the clock is set back', async () => {
    const s = await setUp()
    s.clock.now = start - 400 * dayMs
    expect(s.verdict()).toBe('ok')
    expect(await s.replace(makeCrl(issuing, { number: 6, thisUpdate: start + minute }).der)).toEqual([])
  })
})

describe('reload (4.4)', () => {
  it('keeps the last good CRL and says why', async () => {
    const s = await setUp({ files: new MemoryFiles().set('acme.crl', makeCrl(issuing, { number: 5, revoked }).pem) })
    const stranger = makeIssuing(makeRoot())
    const cases: readonly (readonly [string | Buffer, string])[] = [
      ['hello', 'accept/bad-crl'],
      [makeCrl(stranger, { number: 9 }).der, 'accept/bad-crl-signature'],
      [makeCrl(makeIssuing(root, 'Other'), { number: 9 }).der, 'accept/foreign-crl'],
      [makeCrl(issuing, { number: 4 }).der, 'accept/older-crl'],
      [makeCrl(issuing, { number: 6, thisUpdate: start - minute }).der, 'accept/older-crl'],
      [makeCrl(issuing, { number: 6, thisUpdate: s.clock.now + 5 * minute + 1000 }).der, 'accept/future-crl'],
    ]
    for (const [crl, code] of cases) {
      expect(await s.replace(crl)).toEqual([code])
      expect(s.events.at(-1)).toMatchObject({ event: 'alarm', problem: { code, where: { file: '/pki/acme.crl' } } })
      expect(s.verdict()).toBe('accept/revoked')
    }
    s.files.files.delete('/pki/acme.crl')
    expect((await s.revocations.reload()).map(p => p.code)).toEqual(['accept/unreadable-crl'])
    expect(s.verdict()).toBe('accept/revoked')
  })

  it('takes a CRL dated up to five minutes ahead', async () => {
    const s = await setUp()
    expect(await s.replace(makeCrl(issuing, { number: 6, thisUpdate: s.clock.now + 5 * minute }).der)).toEqual([])
  })

  it('says nothing of a CRL that has not changed', async () => {
    const s = await setUp()
    const [epoch, events] = [s.revocations.epoch, s.events.length]
    expect(await s.revocations.reload()).toEqual([])
    expect([s.revocations.epoch, s.events.length]).toEqual([epoch, events])
  })
})

describe('openRevocations (4.4)', () => {
  it.each([
    ['a file that is missing', undefined],
    ['a file that is no CRL', 'hello'],
    ['a CRL of another CA', makeCrl(makeIssuing(makeRoot())).der],
    ['a CRL of the future', makeCrl(issuing, { thisUpdate: start + dayMs }).der],
  ])('does not start with %s', async (_, content) => {
    const files = new MemoryFiles()
    if (content !== undefined) files.set('bad.crl', content)
    expect(await codesOf(setUp({ crl: ['acme.crl', 'bad.crl'], files }))).toEqual(['config/no-good-crl'])
  })

  it('starts with a CRL past its nextUpdate', async () => {
    const s = await setUp({ now: start + 2 * dayMs + hourMs })
    expect(s.verdict()).toBe('ok')
    expect(s.events).toContainEqual(expect.objectContaining({ event: 'alarm' }))
  })

  it('keeps the newer of two copies, and tells the older and a CA without CRL', async () => {
    const files = new MemoryFiles()
      .set('old.crl', makeCrl(issuing, { number: 1 }).pem)
      .set('root.crl', makeCrl(root).pem)
    const two = await setUp({ crl: ['acme.crl', 'old.crl'], files })
    expect(two.events).toContainEqual(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'accept/older-crl' }) }),
    )
    const rootOnly = await setUp({ crl: ['root.crl'], files })
    expect(rootOnly.events).toContainEqual(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'accept/no-crl' }) }),
    )
  })
})
