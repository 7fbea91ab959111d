import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCertificate } from '../../src/authenticate/certificate.ts'
import { PortcullisError } from '../../src/problem.ts'
import {
  createIssuing,
  createRoot,
  type IssuedCertificate,
  issueLeaf,
  type LeafOptions,
  openAuthority,
  signCrl,
} from '../../src/provision/authority.ts'

const day = 86_400_000
const now = (): Date => new Date()
const validity = { notBefore: new Date(Date.now() - 300_000), notAfter: new Date(Date.now() + 300 * day) }
const root = createRoot({ subject: [['CN', 'acme root']], now, validDays: 3650 })
const issuing = createIssuing(root, {
  subject: [
    ['O', 'acme'],
    ['CN', 'acme issuing'],
  ],
  now,
  validDays: 1000,
})
const device = leaf({
  profile: 'device',
  subject: [
    ['C', 'DE'],
    ['OU', 's1'],
    ['CN', 'pump-7'],
  ],
  sans: { uri: ['urn:acme:pump:7'] },
})
const server = leaf({
  profile: 'server',
  subject: [['CN', 'localhost']],
  sans: { dns: ['localhost'], ip: ['127.0.0.1', '::1'] },
})
let folder = ''

function leaf(options: Omit<LeafOptions, 'notBefore' | 'notAfter'> & Partial<LeafOptions>): IssuedCertificate {
  return issueLeaf(issuing, { ...validity, ...options })
}

const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof PortcullisError) return error.problems[0]?.code ?? ''
    throw error
  }
  return 'nothing thrown'
}

const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-authority-'))
  for (const [name, { pem }] of Object.entries({ root, issuing, device, server }))
    writeFileSync(join(folder, `${name}.pem`), pem)
})
afterAll(() => rmSync(folder, { recursive: true }))

const crlOf = (revoked: Parameters<typeof signCrl>[1]['revoked'], number = 7) =>
  signCrl(issuing, { number, thisUpdate: now(), nextUpdate: new Date(Date.now() + 7 * day), revoked })

describe('openssl verify -x509_strict', () => {
  const strict = ['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem']

  test.each([
    ['sslclient', 'device'],
    ['sslserver', 'server'],
  ])('accepts, for %s, the %s certificate', (purpose, name) => {
    expect(openssl(...strict, '-purpose', purpose, `${name}.pem`)).toBe(`${name}.pem: OK\n`)
  })

  test.each([
    ['sslserver', 'device'],
    ['sslclient', 'server'],
  ])('refuses, for %s, the %s certificate', (purpose, name) => {
    expect(() => openssl(...strict, '-purpose', purpose, `${name}.pem`)).toThrow(/unsuitable certificate purpose/)
  })

  test('checks the whole chain against CRLs, and refuses what one lists', () => {
    const rootCrl = signCrl(root, { number: 1, thisUpdate: now(), nextUpdate: new Date(Date.now() + day), revoked: [] })
    const check = (pem: string): string => {
      writeFileSync(join(folder, 'all.crl'), pem + rootCrl.pem)
      return openssl(...strict, '-crl_check_all', '-CRLfile', 'all.crl', 'device.pem')
    }
    expect(check(crlOf([{ serialHex: server.serialHex, date: now() }]).pem)).toContain('OK')
    expect(() => check(crlOf([{ serialHex: device.serialHex, date: now(), reason: 'keyCompromise' }]).pem)).toThrow(
      /revoked/,
    )
  })
})

test('a CRL carries its number, reasons and serials as openssl reads them', () => {
  writeFileSync(
    join(folder, 'a.crl'),
    crlOf(
      [
        { serialHex: '00ff01', date: now(), reason: 'superseded' },
        { serialHex: '7f', date: now() },
      ],
      70_000,
    ).pem,
  )
  const text = openssl('crl', '-in', 'a.crl', '-noout', '-text')
  expect(text).toMatch(/CRL Number: \s+70000/)
  expect(text).toMatch(/Serial Number: FF01[\s\S]+Superseded[\s\S]+Serial Number: 7F/)
})

test('a CRL of 100,000 entries is written in linear time', () => {
  const date = now()
  const entries = Array.from({ length: 100_000 }, (_, i) => ({ serialHex: (i + 1).toString(16), date }))
  const started = performance.now()
  expect(crlOf(entries).der.length).toBeGreaterThan(2_000_000)
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('serials are 16 octets that begin 01xxxxxx, and never repeat', () => {
  const serials = Array.from(
    { length: 50 },
    () => leaf({ profile: 'device', subject: [['CN', 'a']], keys: device.keys }).serialHex,
  )
  expect(new Set(serials).size).toBe(50)
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/)
})

test('our own parser reads a device certificate back', () => {
  const parsed = parseCertificate(device.der)
  if (!parsed.ok) throw new Error(parsed.problem.sentence)
  expect(parsed.value).toMatchObject({
    serial: device.serialHex,
    notAfter: device.notAfter.getTime(),
    subjectText: 'C=DE, OU=s1, CN=pump-7',
    subjectKeyId: expect.anything(),
    authorityKeyId: Uint8Array.from(issuing.keyId),
  })
  expect(device.notAfter.getMilliseconds()).toBe(0)
})

test('years from 2050 are GeneralizedTime', () => {
  const late = createRoot({ subject: [['CN', 'late']], now, validDays: 365 * 40 })
  expect(new Date(new X509Certificate(late.der).validTo).getUTCFullYear()).toBeGreaterThan(2050)
})

test('a CA with a P-384 key signs with SHA-384', async () => {
  const { generateKeyPairSync } = await import('node:crypto')
  const strong = createRoot({
    subject: [['CN', 'strong']],
    now,
    validDays: 9,
    keys: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  })
  const parsed = parseCertificate(strong.der)
  expect(parsed.ok && parsed.value.signatureHash).toBe('sha384')
})

test.each(['', 'a,OU=admin\n', 'a\0b', 'ü', '#0c0161', 'a+b', 'x"y"z', ' a', 'a/b', 'x'.repeat(65)])(
  'the name %j is refused',
  value => {
    expect(code(() => leaf({ profile: 'device', subject: [['CN', value]] }))).toBe('provision/bad-name')
  },
)

test.each([
  { dns: ['a b'] },
  { dns: ['a,b'] },
  { dns: [''] },
  { ip: ['10.0.0.0/8'] },
  { ip: ['fe80::1%eth0'] },
  { uri: ['urn:a b'] },
  { uri: ['nothing'] },
])('the alternative name %j is refused', sans =>
  expect(code(() => leaf({ profile: 'server', subject: [['CN', 'a']], sans }))).toBe('provision/bad-name'),
)

test.each(['::', '::1', '2001:db8::1', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8', 'fe80::'])(
  'the IP address %s stands as OpenSSL reads it',
  ip => {
    const { der } = leaf({ profile: 'server', subject: [['CN', 'a']], sans: { ip: [ip] } })
    expect(new X509Certificate(der).checkIP(ip)).toBe(ip)
  },
)

test('a validity that ends before it begins, or outlives the issuer, is refused', () => {
  const subject = [['CN', 'a']] as const
  expect(code(() => leaf({ profile: 'device', subject, notAfter: new Date(0) }))).toBe('provision/bad-validity')
  expect(code(() => leaf({ profile: 'device', subject, notAfter: new Date(Date.now() + 5000 * day) }))).toBe(
    'provision/bad-validity',
  )
})

test('an authority opens from its files, and from no others', () => {
  const again = openAuthority(issuing.pem, issuing.keyPem)
  expect(
    new X509Certificate(issueLeaf(again, { ...validity, profile: 'device', subject: [['CN', 'a']] }).der).verify(
      issuing.keys.publicKey,
    ),
  ).toBe(true)
  expect(code(() => openAuthority(device.pem, device.keyPem))).toBe('provision/not-a-ca')
  expect(code(() => openAuthority(issuing.pem, root.keyPem))).toBe('provision/not-a-ca')
})
