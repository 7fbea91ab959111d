import { beforeEach, expect, test, vi } from 'vitest'
import { parseCertificate } from '../../src/authenticate/certificate.ts'
import { identify } from '../../src/authenticate/identify.ts'
import { matchIdentity } from '../../src/policy/match-identity.ts'
import type { MappedIdentity, PolicySet } from '../../src/policy/model.ts'
import { fail, ok, problem } from '../../src/problem.ts'
import { oddCertificate, plainName } from '../support/pki.ts'

// matching has tests of its own; here it is what `identify` hands to it, and does with its answer
vi.mock('../../src/policy/match-identity.ts', () => ({ matchIdentity: vi.fn() }))

const set = {} as PolicySet
const match = vi.mocked(matchIdentity)
const pump: MappedIdentity = {
  kind: 'pump',
  captures: new Map([
    ['site', 's1'],
    ['device', 'pump-7'],
  ]),
}
const parsed = parseCertificate(oddCertificate({ subject: plainName('pump-7'), issuer: plainName('liar') }))
if (!parsed.ok) throw new Error(parsed.problem.sentence)
const certificate = parsed.value

beforeEach(() => {
  match.mockReset()
  match.mockReturnValue(ok(pump))
})

test('hands on the values of the certificate, and the configured name of its issuer', () => {
  expect(identify(set, certificate, 'acme')).toEqual(ok(pump))
  expect(match).toHaveBeenCalledExactlyOnceWith(set, { issuer: 'acme', values: certificate.values })
})

test('hands back a refusal as it is', () => {
  const refusal = fail(problem('authenticate/expired', 'any refusal'))
  match.mockReturnValue(refusal)
  expect(identify(set, certificate, 'acme', new Map([['site', []]]))).toBe(refusal)
})

test('a capture inside `only` passes, one outside it is refused, in any position', () => {
  expect(identify(set, certificate, 'acme', new Map([['site', ['s2', 's1']]])).ok).toBe(true)
  const only = new Map([
    ['device', ['pump-7']],
    ['site', ['s2', 's3']],
  ])
  expect(identify(set, certificate, 'acme', only)).toEqual(
    fail(problem('authenticate/outside-issuer', 'the issuer acme may not certify site s1, only s2, s3')),
  )
})

test('an empty list admits no value; a value compares whole and case for case', () => {
  for (const values of [[], ['S1'], ['s'], ['s11']]) {
    expect(identify(set, certificate, 'acme', new Map([['site', values]])).ok).toBe(false)
  }
})

test('an identity without the capture is not touched by it', () => {
  expect(identify(set, certificate, 'acme', new Map([['region', ['north']]]))).toEqual(ok(pump))
})
