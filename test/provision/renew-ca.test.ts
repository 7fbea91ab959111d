/** A renewed issuing CA or root, what was issued before and after, and what is not renewed. */
import { X509Certificate } from 'node:crypto'
import { existsSync, linkSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRoot } from '../../src/provision/authority.ts'
import { type OpenCa, readCa } from '../../src/provision/ca-folder.ts'
import { requireClock } from '../../src/provision/ca-validity.ts'
import { createKeys, keyPem } from '../../src/provision/keys.ts'
import { renewIssuing, renewRootOf } from '../../src/provision/renew-ca.ts'
import { CaWorkbench, codeOf, dayMs } from '../support/ca-workbench.ts'

let bench: CaWorkbench
let ca: OpenCa
beforeEach(async () => {
  bench = new CaWorkbench()
  ca = await bench.create()
})
afterEach(() => bench.close())

const pem = (name: string): X509Certificate => new X509Certificate(bench.read(name))
const renew = async (days = 1000) => renewIssuing(ca, await bench.root(ca), { now: bench.now, days })

describe('a renewed issuing CA', () => {
  test('has the same key, subject and key identifier; what it issued before and issues after is valid', async () => {
    await bench.issue(ca, 'before')
    expect(bench.strict('before')).toBe('before.pem: OK')
    const old = pem('ca/issuing.pem')
    const renewed = await renew()
    const fresh = pem('ca/issuing.pem')
    expect(fresh.publicKey.equals(old.publicKey)).toBe(true)
    expect([fresh.subject, fresh.issuer]).toEqual([old.subject, old.issuer])
    expect(fresh.serialNumber).not.toBe(old.serialNumber)
    expect(new Date(fresh.validTo)).toEqual(renewed.notAfter)
    const again = await bench.open()
    expect(again.issuing.subjectKeyId).toEqual(ca.issuing.subjectKeyId)
    await bench.issue(again, 'after', { days: 950 })
    for (const name of ['before', 'after']) expect(bench.strict(name)).toBe(`${name}.pem: OK`)
    // a device that shows the old one in its chain is fine too
    expect(bench.strict('before', renewed.kept)).toBe('before.pem: OK')
    const text = bench.openssl('x509', '-in', 'ca/issuing.pem', '-noout', '-text')
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/)
  })

  test('leaves the old one beside it under the day, and loses none on the same day', async () => {
    const day = bench.now.toISOString().slice(0, 10)
    const [first, second] = [pem('ca/issuing.pem'), await renew(), pem('ca/issuing.pem')].filter(
      one => one instanceof X509Certificate,
    )
    await renew()
    expect(pem(`ca/issuing.${day}.pem`).serialNumber).toBe(first?.serialNumber)
    expect(pem(`ca/issuing.${day}.2.pem`).serialNumber).toBe(second?.serialNumber)
    expect(readdirSync(bench.path).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  test('can be made again after a kill that came between the two names', async () => {
    const day = bench.now.toISOString().slice(0, 10)
    linkSync(join(bench.path, 'issuing.pem'), join(bench.path, `issuing.${day}.pem`))
    const old = pem('ca/issuing.pem')
    expect((await renew()).kept).toBe(join(bench.path, `issuing.${day}.pem`))
    expect(pem(`ca/issuing.${day}.pem`).raw).toEqual(old.raw)
  })

  test('is made although it has ended', async () => {
    bench.nowMs += 901 * dayMs
    const { notAfter } = await renew(900)
    expect(notAfter.getTime()).toBeGreaterThan(bench.nowMs)
    expect((await readCa(bench.path)).issuing.notAfter).toBe(notAfter.getTime())
  })
})

describe('nothing is renewed, and nothing changed,', () => {
  const before = () => readdirSync(bench.path).map(name => [name, readFileSync(join(bench.path, name), 'hex')])

  test.each<[string, string, () => unknown]>([
    ['with a root that has ended', 'provision/ca-expired', () => later(4001)],
    ['before the root began', 'provision/ca-expired', () => later(-1)],
    ['for longer than the root lives', 'provision/bad-validity', () => renew(4001)],
    ['for less long than the present one', 'provision/bad-validity', () => renew(899)],
    ['with a key that is not the root’s', 'provision/not-a-ca', () => withKey(keyPem(createKeys().privateKey))],
    ['with the key of the issuing CA', 'provision/not-a-ca', () => withKey(bench.read('ca/issuing.key').toString())],
    ['with a file that is no key', 'provision/not-a-ca', () => withKey('correct horse battery\n')],
    ['with a key file that is empty', 'provision/not-a-ca', () => withKey('')],
    ['with a wrong passphrase', 'provision/wrong-passphrase', () => withKey(keyPem(createKeys().privateKey, 'staple'))],
  ])('%s', async (_, code, attempt) => {
    const files = before()
    expect(await codeOf(attempt)).toBe(code)
    expect(before()).toEqual(files)
  })

  test('with a clock that was set back, whether the ledger or the present certificate tells', async () => {
    await bench.issue(ca, 'pump-7')
    await later(10)
    ca = await bench.open()
    bench.nowMs -= 5 * dayMs
    expect(await codeOf(() => renew(1000))).toBe('provision/clock-set-back')
    await bench.issue(ca, 'pump-8')
    bench.nowMs -= 1 * dayMs
    expect(await codeOf(() => requireClock(ca.ledger, bench.now))).toBe('provision/clock-set-back')
  })

  async function later(days: number): Promise<void> {
    bench.nowMs += days * dayMs
    await renew(1000)
  }

  async function withKey(text: string): Promise<void> {
    const other = new CaWorkbench('horse')
    try {
      writeFileSync(join(other.folder, 'other.key'), text)
      await renewIssuing(ca, await other.root(ca, join(other.folder, 'other.key')), { now: bench.now, days: 1000 })
    } finally {
      other.close()
    }
  }
})

describe('a renewed root', () => {
  test('has the same key and name: everything below it is valid under the old one and the new one', async () => {
    await bench.issue(ca, 'pump-7')
    const old = pem('ca/root.pem')
    const { kept, notAfter } = await renewRootOf(ca, await bench.root(ca), { now: bench.now, days: 7000 })
    expect(pem('ca/root.pem').publicKey.equals(old.publicKey)).toBe(true)
    expect(new X509Certificate(readFileSync(kept)).raw).toEqual(old.raw)
    expect(bench.strict('pump-7')).toBe('pump-7.pem: OK')
    expect(
      bench.openssl('verify', '-x509_strict', '-CAfile', kept, '-untrusted', 'ca/issuing.pem', 'pump-7.pem'),
    ).toContain(': OK')
    const again = await bench.open()
    expect(again.root.notAfter).toBe(notAfter.getTime())
    expect(again.root.subjectKeyId).toEqual(ca.root.subjectKeyId)
    // and the issuing CA may now live longer than the old root did
    await renewIssuing(again, await bench.root(again), { now: bench.now, days: 5000 })
    expect(bench.strict('pump-7')).toBe('pump-7.pem: OK')
  })

  test('is made where the old one has ended, and not where it would end before it', async () => {
    const root = await bench.root(ca)
    expect(await codeOf(() => renewRootOf(ca, root, { now: bench.now, days: 3999 }))).toBe('provision/bad-validity')
    bench.nowMs += 4001 * dayMs
    await renewRootOf(ca, root, { now: bench.now, days: 7300 })
    expect((await readCa(bench.path)).root.notAfter).toBeGreaterThan(bench.nowMs)
  })

  test('does not take the place of another root', async () => {
    const other = createRoot({ subject: [['O', 'acme']], now: () => bench.now, validDays: 9000 })
    writeFileSync(join(bench.path, 'root.key'), other.keyPem)
    expect(await codeOf(() => bench.root(ca))).toBe('provision/not-a-ca')
    renameSync(join(bench.path, 'root.key'), join(bench.folder, 'root.key'))
    expect(await codeOf(() => bench.root(ca))).toBe('provision/not-a-ca')
    expect(existsSync(join(bench.path, 'root.key'))).toBe(false)
  })
})
