import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readOnly, tag } from '../../src/accept/der.ts'
import { parseCertificate } from '../../src/authenticate/certificate.ts'
import { openAuthority, signLeaf } from '../../src/provision/authority.ts'
import type { OpenCa } from '../../src/provision/ca-folder.ts'
import { ensureDevCerts } from '../../src/provision/dev-certs.ts'
import { wantedIdentity } from '../../src/provision/identity-names.ts'
import type { LeafPlan } from '../../src/provision/issue-leaf.ts'
import { planDevice } from '../../src/provision/plan-device.ts'
import { planServer } from '../../src/provision/server-plan.ts'
import { loadPolicyFolder } from '../../src/source/folder.ts'
import { must } from '../support/policy-set.ts'

const day = 86_400_000
let folder = ''

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'portcullis-dev-')), 'certs-dev')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true }))

const inDays = (days: number) => () => new Date(Date.now() + days * day)
const start = (days = 0) => ensureDevCerts(folder, inDays(days))
const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
const mode = (name: string): number => statSync(join(folder, name)).mode & 0o777
const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
const crlNumber = (): bigint =>
  BigInt(
    /=(0x)?([0-9A-F]+)/.exec(openssl('crl', '-in', 'acme.crl', '-noout', '-crlnumber'))?.[2]?.replace(/^/, '0x') ?? -1,
  )
const everything = [
  'root',
  'issuing',
  'foreign-root',
  'server',
  'pump-7',
  'pump-8',
  'line-1',
  'pump-9',
  'pump-5',
  'ops-1',
  'audit-1',
  'intruder',
]

const isConsistent = (): boolean => {
  for (const name of everything) {
    const certificate = new X509Certificate(text(`${name}.pem`))
    if (!certificate.checkPrivateKey(createPrivateKey(text(`${name}.key`)))) return false
  }
  return openssl(
    'verify',
    '-x509_strict',
    '-CAfile',
    'ca.pem',
    '-untrusted',
    'issuing.pem',
    'pump-7.pem',
    'server.pem',
    'ops-1.pem',
  ).includes('OK')
}

test('the first start makes everything, private', async () => {
  const made = await start()
  expect(made).toMatchObject({ created: true, renewed: everything, folder })
  expect(
    made.names.map(({ name, kind, site, foreign, revoked }) => [name, kind, site, foreign, revoked]),
  ).toContainEqual(['intruder', 'device', 's1', true, undefined])
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  for (const name of everything) expect(mode(`${name}.key`), name).toBe(0o600)
  expect(isConsistent()).toBe(true)
  expect(text('pump-7.pem').match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  expect(readFileSync(made.paths.certificateOf('ops-1'), 'utf8')).toBe(text('ops-1.pem'))
})

test('the intruder says what pump-7 says, and nobody here trusts its CA', async () => {
  await start()
  const [intruder, pump] = [new X509Certificate(text('intruder.pem')), new X509Certificate(text('pump-7.pem'))]
  expect(intruder.subject).toBe(pump.subject)
  expect(() => openssl('verify', '-CAfile', 'ca.pem', '-untrusted', 'issuing.pem', 'intruder.pem')).toThrow()
  expect(openssl('verify', '-CAfile', 'foreign-root.pem', 'intruder.pem')).toContain('OK')
})

test('names stand in certificates as policies expect them', async () => {
  await start()
  expect(new X509Certificate(text('pump-9.pem')).subject).toBe('OU=s2\nCN=pump-9')
  expect(new X509Certificate(text('ops-1.pem')).subjectAltName).toBe('URI:urn:acme:staff:ops-1')
  expect(new X509Certificate(text('server.pem')).checkIP('::1')).toBe('::1')
})

test('the second start keeps every file but the CRL, whose number rises', async () => {
  await start()
  const before = everything.map(name => text(`${name}.pem`))
  const number = crlNumber()
  expect(await start()).toMatchObject({ created: false, renewed: [] })
  expect(everything.map(name => text(`${name}.pem`))).toEqual(before)
  expect(crlNumber()).toBe(number + 1n)
})

test('the CRL lists pump-5, holds for a week, and its number outlives the loss of its memory and a clock set back', async () => {
  await start()
  const serial = new X509Certificate(text('pump-5.pem')).serialNumber
  expect(openssl('crl', '-in', 'acme.crl', '-noout', '-text')).toContain(`Serial Number: ${serial}`)
  const crl = openssl('crl', '-in', 'acme.crl', '-noout', '-nextupdate', '-lastupdate')
  const [next = 0, last = 0] = [...crl.matchAll(/=(.+)/g)].map(match => Date.parse(match[1] ?? ''))
  expect(next - last).toBe(7 * day)
  const number = crlNumber()
  rmSync(join(folder, 'acme.crlnumber'))
  await start(1)
  expect(crlNumber()).toBeGreaterThan(number)
  const later = crlNumber()
  await start(0)
  expect(crlNumber()).toBe(later + 1n)
})

test('leaves are renewed 30 days before they expire, the CA is not', async () => {
  await start()
  expect((await start(330)).renewed).toEqual([])
  expect((await start(340)).renewed).toEqual(everything.slice(3))
  expect((await start(345)).renewed).toEqual([])
})

test('authorities are renewed while leaves still fit', async () => {
  await start()
  expect(await start(3650 - 200)).toMatchObject({ created: true, renewed: everything })
})

test.each(everything)('a folder without %s.key, or with another key there, is repaired', async name => {
  await start()
  rmSync(join(folder, `${name}.key`))
  expect((await start()).renewed).toContain(name)
  writeFileSync(join(folder, `${name}.key`), text(`${name === 'pump-7' ? 'pump-8' : 'pump-7'}.key`))
  expect((await start()).renewed).toContain(name)
  expect(isConsistent()).toBe(true)
  expect(mode(`${name}.key`)).toBe(0o600)
})

test.each(everything)('a folder with %s.pem cut short, empty or full of nonsense is repaired', async name => {
  await start()
  truncateSync(join(folder, `${name}.pem`), 300)
  expect((await start()).renewed).toContain(name)
  writeFileSync(join(folder, `${name}.pem`), '')
  expect((await start()).renewed).toContain(name)
  writeFileSync(join(folder, `${name}.pem`), 'nonsense')
  expect((await start()).renewed).toContain(name)
  expect(isConsistent()).toBe(true)
})

test('killed after any file, the next start completes the folder', async () => {
  await start()
  const files = everything.flatMap(name => [`${name}.key`, `${name}.pem`])
  for (let kept = 0; kept < files.length; kept++) {
    for (const file of files.slice(kept)) rmSync(join(folder, file), { force: true })
    await start()
    expect(isConsistent(), `${kept} files`).toBe(true)
  }
})

test('a certificate of an earlier issuing CA is made anew', async () => {
  await start()
  rmSync(join(folder, 'issuing.pem'))
  expect((await start()).renewed).toEqual([
    'issuing',
    'server',
    'pump-7',
    'pump-8',
    'line-1',
    'pump-9',
    'pump-5',
    'ops-1',
    'audit-1',
  ])
})

test('temporary files of a killed start are removed once they are old, and keys are made private again', async () => {
  await start()
  const [old, young] = ['.a.pem.0123456789ab.tmp', '.b.pem.0123456789ab.tmp']
  for (const name of [old, young]) writeFileSync(join(folder, name), '', { mode: 0o644 })
  utimesSync(join(folder, old), 1, 1)
  writeFileSync(join(folder, 'pump-8.key'), text('pump-8.key'))
  execFileSync('chmod', ['644', join(folder, 'pump-8.key')])
  expect((await start()).renewed).toEqual([])
  expect(readdirSync(folder)).not.toContain(old)
  expect(readdirSync(folder)).toContain(young)
  expect(mode('pump-8.key')).toBe(0o600)
})

/** The part of a certificate that is signed (RFC 5280 §4.1.1.1). */
function signedPart(der: Buffer): Buffer {
  return readOnly(der, tag.sequence, certificate => {
    const tbs = certificate.takeWhole(tag.sequence)
    certificate.takeWhole(tag.sequence)
    certificate.takeWhole(tag.bitString)
    return tbs
  })
}

test('every certificate is, octet by octet, what `device issue` and `ca server` would make for the sample policy', async () => {
  const { names } = await start()
  const authority = openAuthority(text('issuing.pem'), text('issuing.key'))
  const parsed = [parseCertificate(authority.der), parseCertificate(new X509Certificate(text('root.pem')).raw)]
  const [issuing, root] = parsed.map(one => must(one))
  const ca = { authority, issuing, root, now: () => new Date() } as OpenCa
  const { set } = await loadPolicyFolder(fileURLToPath(new URL('../../policies', import.meta.url)))
  const issuer = { name: 'acme', only: new Map<string, readonly string[]>() }
  const compare = (name: string, plan: LeafPlan): void => {
    const made = new X509Certificate(text(`${name}.pem`))
    const { serial: serialHex, notBefore, notAfter } = must(parseCertificate(made.raw))
    const validity = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) }
    const issued = signLeaf(authority, { ...plan, ...validity, serialHex })
    expect(`${name} ${signedPart(issued.der).toString('hex')}`).toBe(`${name} ${signedPart(made.raw).toString('hex')}`)
  }
  const theirs = names.filter(({ foreign }) => foreign !== true)
  expect(theirs.length).toBeGreaterThan(5)
  for (const { name, kind, site } of theirs) {
    const given = new Map(site === undefined ? [] : [['site', site]])
    const identity = must(wantedIdentity(set, { name, kind, given }))
    const { publicKey } = new X509Certificate(text(`${name}.pem`))
    compare(name, must(planDevice(ca, { set, issuer, identity, name, publicKey, days: 365 })))
  }
  const { publicKey } = new X509Certificate(text('server.pem'))
  const server = { name: 'localhost', dns: ['localhost'], ip: ['127.0.0.1', '::1'] }
  compare('server', planServer(ca, { ...server, publicKey, days: 365 }))
})
