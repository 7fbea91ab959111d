/** What ends, from plain facts: CAs that are needed and others, and devices that were renewed. */
import { expect, test } from 'vitest'
import { checkEnds } from '../../../src/prove/audit/check-ends.ts'
import type { AuditedCa, AuditedCertificate, Evidence } from '../../../src/prove/audit/evidence.ts'

const day = 86_400_000
const key = { algorithm: 'ec', curve: 'P-256', bits: undefined, signatureHash: 'sha256' } as const

function ca(role: AuditedCa['role'], keyId: string, days: number, more: Partial<AuditedCa> = {}): AuditedCa {
  return { role, keyId, subject: keyId, notAfter: days * day, signs: false, key, crl: undefined, crlFile: '', ...more }
}

function device(
  name: string,
  issuerKeyId: string,
  days: number,
  more: Partial<AuditedCertificate> = {},
): AuditedCertificate {
  return {
    ...{
      issuerKeyId,
      name,
      serial: `${name}-${days}`,
      state: 'issued',
      profile: 'device',
      identity: `device:device=${name}`,
    },
    ...{
      keyHash: name,
      since: 0,
      reason: undefined,
      notAfter: days * day,
      fingerprint: undefined,
      key,
      refusal: undefined,
    },
    ...more,
  }
}

function found(cas: readonly AuditedCa[], certificates: readonly AuditedCertificate[]): readonly unknown[] {
  const authority = { cas, certificates, tokens: [], isOnlyIssuer: undefined }
  const evidence: Evidence = { now: 0, within: 30 * day, authority, options: { ca: ' --ca=x', policies: '' } }
  return checkEnds(evidence).map(({ code, subject, next }) => [code, subject, next])
}

const root = ca('root', 'root', 4000)
const signing = ca('issuing', 'new', 900, { signs: true })

test('an older issuing CA matters as long as something of it is in force', () => {
  const older = ca('issuing', 'old', -1)
  expect(found([root, older, signing], [device('a', 'new', 300), device('b', 'old', -5)])).toEqual([])
  expect(found([root, older, signing], [device('a', 'old', 300)])).toEqual([
    ['ca-ended', 'old', 'portcullis ca renew --ca=x'],
    ['outlives-ca', 'old', 'portcullis ca renew --ca=x'],
  ])
})

test('the root is renewed otherwise', () => {
  expect(found([ca('root', 'root', 30), ca('issuing', 'new', 29.9, { signs: true })], [])).toEqual([
    ['ca-ending', 'root', 'portcullis ca renew --ca=x --root'],
    ['ca-ending', 'new', 'portcullis ca renew --ca=x'],
  ])
  expect(found([ca('root', 'root', 30.1), ca('issuing', 'new', 30.05, { signs: true })], [])).toEqual([])
})

test('of an identity only the certificate that ends last is told, and none that is not in force', () => {
  const both = [device('a', 'new', 10), device('a', 'new', 200), device('b', 'new', 20), device('b', 'new', 15)]
  expect(
    found([root, signing], [...both, device('c', 'new', 9, { state: 'superseded' }), device('d', 'new', -1)]),
  ).toEqual([['certificate-ending', 'device:device=b', 'portcullis device renew --ca=x b']])
})

test('a name that a shell would take for something else is one word', () => {
  const [[, , next] = []] = found([root, signing], [device('-x; $(y)', 'new', 10)]) as string[][]
  expect(next).toBe("portcullis device renew --ca=x -- '-x; $(y)'")
})
