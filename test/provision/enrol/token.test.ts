/** Enrolment tokens, attacked: another algorithm, another key, another purpose, another time, other words. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { signToken, verifyToken } from '../../../src/provision/enrol/token.ts'

const start = Date.UTC(2026, 0, 1)
const audience = 'a'.repeat(64)
const key = generateKeyPairSync('ed25519')
const claims = {
  jti: '0f'.repeat(16),
  name: 'pump-7',
  identity: {
    kind: 'device',
    captures: new Map([
      ['site', 's1'],
      ['device', 'pump-7'],
    ]),
  },
  audience,
  issuedAt: new Date(start),
  expires: new Date(start + 3_600_000),
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const header = { alg: 'EdDSA', typ: 'portcullis-enroll+jwt' }
const payload = {
  identity: 'device',
  captures: { site: 's1', device: 'pump-7' },
  jti: claims.jti,
  sub: 'pump-7',
  aud: audience,
  iat: start / 1000,
  nbf: start / 1000 - 30,
  exp: start / 1000 + 3600,
}

/** Signed by the right key, whatever is in it. */
function forged(
  more: Record<string, unknown>,
  head: Record<string, unknown> = header,
  signer = key.privateKey,
): string {
  const text = `${encode(head)}.${encode({ ...payload, ...more })}`
  return `${text}.${sign(null, Buffer.from(text), signer).toString('base64url')}`
}

async function verdict(token: string, nowMs = start, expected: { audience?: string } = {}): Promise<string> {
  const result = await verifyToken(token, { key: key.publicKey, audience, now: new Date(nowMs), ...expected })
  if (result.ok) return 'good'
  expect(result.problem.code).toBe('provision/bad-token')
  return result.problem.sentence.replace('the token is not good: ', '')
}

test('a token says what it was given', async () => {
  const token = await signToken(key.privateKey, claims)
  const result = await verifyToken(token, { key: key.publicKey, audience, now: new Date(start) })
  expect(result).toEqual({ ok: true, value: claims })
  // the forger of these tests makes the same
  expect(await verdict(forged({}))).toBe('good')
})

test('it is good from half a minute before it was made until its last second, and no longer', async () => {
  const token = await signToken(key.privateKey, claims)
  const at = (ms: number): Promise<string> => verdict(token, start + ms)
  expect(await at(-30_000)).toBe('good')
  expect(await at(-31_000)).toBe('it is not valid yet')
  expect(await at(3_599_000)).toBe('good')
  expect(await at(3_600_000)).toBe('it has expired')
})

describe('is refused', () => {
  const unsigned = 'this authority did not sign it'

  test.each<[string, () => string]>([
    ['empty', () => ''],
    ['a text', () => 'pump-7'],
    ['alg none', () => `${encode({ ...header, alg: 'none' })}.${encode(payload)}.`],
    [
      'alg none with the old signature',
      () => `${encode({ ...header, alg: 'none' })}.${encode(payload)}.${forged({}).split('.')[2]}`,
    ],
    [
      'HS256 with the public key as the secret',
      () => {
        const text = `${encode({ ...header, alg: 'HS256' })}.${encode(payload)}`
        const secret = key.publicKey.export({ type: 'spki', format: 'pem' })
        return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
      },
    ],
    [
      'HS256 with the raw public key as the secret',
      () => {
        const text = `${encode({ ...header, alg: 'HS256' })}.${encode(payload)}`
        const secret = Buffer.from(key.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
        return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
      },
    ],
    [
      'ES256, which is not listed',
      () => {
        const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        const text = `${encode({ ...header, alg: 'ES256' })}.${encode(payload)}`
        const signature = sign('sha256', Buffer.from(text), { key: other.privateKey, dsaEncoding: 'ieee-p1363' })
        return `${text}.${signature.toString('base64url')}`
      },
    ],
    ['another key', () => forged({}, header, generateKeyPairSync('ed25519').privateKey)],
    [
      'a key of its own in the header',
      () => {
        const other = generateKeyPairSync('ed25519')
        return forged({}, { ...header, jwk: other.publicKey.export({ format: 'jwk' }) }, other.privateKey)
      },
    ],
    [
      'another name under the same signature',
      () => {
        const [head, , signature] = forged({}).split('.')
        return `${head}.${encode({ ...payload, sub: 'pump-8' })}.${signature}`
      },
    ],
    [
      'a bit of the signature flipped',
      () => {
        const [head, body, signature = ''] = forged({}).split('.')
        const bytes = Buffer.from(signature, 'base64url')
        bytes[5] = (bytes[5] ?? 0) ^ 1
        return `${head}.${body}.${bytes.toString('base64url')}`
      },
    ],
    ['a signature that is cut', () => forged({}).slice(0, -10)],
    ['no signature', () => `${forged({}).split('.').slice(0, 2).join('.')}.`],
    ['a critical extension', () => forged({}, { ...header, crit: ['b64'], b64: false })],
  ])('%s', async (_, make) => {
    expect(await verdict(make())).toBe(unsigned)
  })

  test.each<[string, Record<string, unknown>]>([
    ['a JWT for another purpose', { alg: 'EdDSA', typ: 'JWT' }],
    ['no type', { alg: 'EdDSA' }],
  ])('%s, though signed by the right key', async (_, head) => {
    expect(await verdict(forged({}, head))).toBe(unsigned)
  })

  test('another audience, several, or none', async () => {
    expect(await verdict(forged({}), start, { audience: 'b'.repeat(64) })).toBe('it is for another authority')
    expect(await verdict(forged({ aud: undefined }))).toBe('it is for another authority')
    expect(await verdict(forged({ aud: [audience, 'b'.repeat(64)] }))).toBe('it says what no token says')
  })

  test.each<[string, Record<string, unknown>, Record<string, unknown>?]>([
    ['a claim more', { admin: true }],
    ['a capture that is no text', { captures: { site: ['s1'], device: 'pump-7' } }],
    ['captures that are a list', { captures: ['s1', 'pump-7'] }],
    ['a name that is no text', { sub: 7 }],
    ['an id that is none', { jti: 'x' }],
    ['a key id in the header', {}, { ...header, kid: '../../enroll.key' }],
    ['a time that is no number', { iat: '1' }],
  ])('%s', async (_, more, head) => {
    expect(await verdict(forged(more, head))).toMatch(/^(?:it says what no token says|this authority did not sign it)$/)
  })

  test.each(['jti', 'sub', 'exp', 'nbf', 'iat', 'identity', 'captures'])('without %s', async claim => {
    expect(await verdict(forged({ [claim]: undefined }))).not.toBe('good')
  })
})
