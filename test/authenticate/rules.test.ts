import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseCertificate } from '../../src/authenticate/certificate.ts'
import { certificateRules, checkCertificate } from '../../src/authenticate/rules.ts'
import type { Problem } from '../../src/problem.ts'
import {
  deviceExtensions,
  extensions as ext,
  type OddOptions,
  oddCertificate,
  rsaKeys,
  testPki,
} from '../support/pki.ts'

const now = Date.now()
const day = 86_400_000
const without = (id: string) => deviceExtensions.filter(([other]) => other !== id)

interface Fixture {
  readonly passes: OddOptions
  readonly fails: OddOptions
}

/** For each rule of the table, a certificate that passes all of them and one that breaks this one. */
const fixtures: Readonly<Record<string, Fixture>> = {
  'version 3': { passes: {}, fails: { version: 1 } },
  'no duplicate extension': {
    passes: { extensions: [...deviceExtensions, ext.unknownPlain] },
    fails: { extensions: [...deviceExtensions, ext.clientAuth] },
  },
  'no unknown critical extension': {
    passes: { extensions: [...deviceExtensions, ext.unknownPlain] },
    fails: { extensions: [...deviceExtensions, ext.unknownCritical] },
  },
  'end entity': {
    passes: { extensions: without('2.5.29.19') },
    fails: { extensions: [...without('2.5.29.19'), ext.ca] },
  },
  digitalSignature: { passes: {}, fails: { extensions: [...without('2.5.29.15'), ext.keyAgreement] } },
  clientAuth: {
    passes: { extensions: deviceExtensions },
    fails: { extensions: [...without('2.5.29.37'), ext.anyPurpose] },
  },
  'strong key': { passes: { keys: rsaKeys(2048) }, fails: { keys: rsaKeys(1024) } },
  'strong signature': { passes: { hash: 'sha384' }, fails: { hash: 'sha1' } },
  'already valid': { passes: {}, fails: { notBefore: new Date(now + day / 2) } },
  'still valid': { passes: {}, fails: { notAfter: new Date(now - 60_000) } },
}

const judge = (options: OddOptions, at = now): Problem | undefined => {
  const parsed = parseCertificate(oddCertificate(options))
  if (!parsed.ok) return parsed.problem
  const checked = checkCertificate(parsed.value, at)
  return checked.ok ? undefined : checked.problem
}

test('every rule has its fixtures, and every fixture its rule', () => {
  expect(Object.keys(fixtures).sort()).toEqual(certificateRules.map(({ name }) => name).sort())
})

describe.each(certificateRules)('$name ($clause)', rule => {
  const { passes = {}, fails = {} } = fixtures[rule.name] ?? {}

  test('passes', () => expect(judge(passes)).toBeUndefined())

  test('fails', () => {
    const found = judge(fails)
    expect(found?.code).toBe(rule.code)
    expect(found?.sentence).toMatch(/^[a-z].*[^.]$/i)
    expect(found?.help).toBe(rule.help)
  })
})

describe('the sentences (1.3)', () => {
  test.each([
    [{ extensions: without('2.5.29.15') }, 'authenticate/key-usage', 'keyUsage does not permit digitalSignature'],
    [
      { extensions: without('2.5.29.37') },
      'authenticate/no-client-auth',
      'the certificate has no extendedKeyUsage; clientAuth is required',
    ],
    [
      { extensions: [...without('2.5.29.37'), ext.serverAuth] },
      'authenticate/no-client-auth',
      'extendedKeyUsage does not name clientAuth',
    ],
    [
      { extensions: [...without('2.5.29.15'), ext.keyCertSign] },
      'authenticate/ca-certificate',
      'the certificate is one of a certificate authority, not of a device',
    ],
    [{ keys: rsaKeys(1024) }, 'authenticate/weak-key', 'the RSA key has 1024 bits, fewer than 2048'],
    [
      { hash: 'sha1' },
      'authenticate/weak-signature',
      'the certificate is signed with sha1, not with SHA-256 or better',
    ],
    [
      { hash: 'sha224' },
      'authenticate/weak-signature',
      'the certificate is signed with sha224, not with SHA-256 or better',
    ],
    [
      { extensions: [...deviceExtensions, ext.clientAuth] },
      'authenticate/bad-extension',
      'the certificate has the extension 2.5.29.37 twice',
    ],
    [{ version: 1 }, 'authenticate/unparsable-certificate', 'the certificate is of X.509 version 1, not 3'],
  ] as const)('%#', (options, code, sentence) => expect(judge(options)).toMatchObject({ code, sentence }))

  test('validity names both times and the clocks', () => {
    const notAfter = new Date('2030-01-02T03:04:05Z')
    const found = judge({ notAfter }, notAfter.getTime() + 1)
    expect(found?.sentence).toBe('the certificate expired at 2030-01-02T03:04:05Z, and it is 2030-01-02T03:04:05Z here')
    expect(found?.help).toContain('clock')
    const early = judge({ notBefore: notAfter, notAfter: new Date(notAfter.getTime() + day) }, notAfter.getTime() - 1)
    expect(early?.sentence).toBe(
      'the certificate is valid from 2030-01-02T03:04:05Z, and it is 2030-01-02T03:04:04Z here',
    )
  })

  test('validity is inclusive at both ends, without tolerance', () => {
    const [notBefore, notAfter] = [new Date('2030-01-01T00:00:00Z'), new Date('2030-01-02T00:00:00Z')]
    const at = (ms: number) => judge({ notBefore, notAfter }, ms)?.code
    expect([
      at(notBefore.getTime() - 1),
      at(notBefore.getTime()),
      at(notAfter.getTime()),
      at(notAfter.getTime() + 1),
    ]).toEqual(['authenticate/not-yet-valid', undefined, undefined, 'authenticate/expired'])
  })
})

test.each(['P-384', 'P-521'])('a key on %s passes', namedCurve => {
  expect(judge({ keys: generateKeyPairSync('ec', { namedCurve }) })).toBeUndefined()
})

test('a key on another curve, or with explicit parameters, does not', () => {
  expect(judge({ keys: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }) })?.code).toBe('authenticate/weak-key')
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })
  expect(judge({ keys: explicit })?.sentence).toContain('explicit')
})

test('an Ed25519 key passes, an Ed448 key does not', () => {
  const { issuing } = testPki()
  expect(judge({ keys: generateKeyPairSync('ed25519'), by: issuing })).toBeUndefined()
  expect(judge({ keys: generateKeyPairSync('ed448'), by: issuing })?.code).toBe('authenticate/weak-key')
})

test('what the authority issues to a device passes; its CA and server certificates do not', () => {
  const pki = testPki()
  const check = (der: Uint8Array): string => {
    const parsed = parseCertificate(der)
    const checked = parsed.ok ? checkCertificate(parsed.value, Date.now()) : parsed
    return checked.ok ? 'ok' : checked.problem.code
  }
  expect(check(pki.device([['CN', 'pump-7']]).der)).toBe('ok')
  for (const { der } of [pki.root, pki.issuing]) expect(check(der)).toBe('authenticate/ca-certificate')
  expect(check(pki.server.der)).toBe('authenticate/no-client-auth')
})
