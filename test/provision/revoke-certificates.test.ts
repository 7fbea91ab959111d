/** Whoever is revoked does not come back: not with a certificate, and not with a token that is still out. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CertificateAuthority } from '../../src/provision/certificate-authority.ts'
import { createKeys } from '../../src/provision/keys.ts'
import { revokeCertificates } from '../../src/provision/revoke-certificates.ts'
import { EstUnderTest, type Reply, requestOf } from '../support/est.ts'

let est: EstUnderTest
beforeAll(async () => {
  est = await new EstUnderTest().open()
})
afterAll(() => est.close())

const answerOf = ({ status, body }: Reply): string => `${status} ${body.split(':', 1)[0]}`
const request = (name: string): Buffer => requestOf(name, createKeys())
const tokensOf = (name: string): readonly string[] =>
  est.ca.ledger.tokens.all().flatMap(one => (one.name === name ? [one.state] : []))

describe('the tokens of a device that is revoked', () => {
  test('are withdrawn: it does not enrol again', async () => {
    const [first, second] = [await est.token('pump-1'), await est.token('pump-1')]
    expect((await est.enrol('pump-1', first, request('pump-1'))).status).toBe(200)
    const records = est.ca.ledger.ofName('pump-1')
    const { revoked, withdrawn } = revokeCertificates(est.ca.ledger, records, 'keyCompromise')
    expect([revoked.length, withdrawn.map(({ name, state }) => `${name} ${state}`)]).toEqual([
      1,
      ['pump-1 outstanding'],
    ])
    expect(answerOf(await est.enrol('pump-1', second, request('pump-1')))).toBe('401 provision/bad-token')
    expect(tokensOf('pump-1')).toEqual(['spent', 'withdrawn'])
    // whoever wants it back says so, by a token that is made after that
    expect((await est.enrol('pump-1', await est.token('pump-1'), request('pump-1'))).status).toBe(200)
  })

  test('are withdrawn by a run that finds nothing else to do, too', async () => {
    const [first] = [await est.token('pump-2'), await est.token('pump-2')]
    await est.enrol('pump-2', first, request('pump-2'))
    est.ca.ledger.revoke(est.ca.ledger.ofName('pump-2'), 'unspecified')
    const records = est.ca.ledger.ofName('pump-2')
    expect(revokeCertificates(est.ca.ledger, records, 'unspecified')).toMatchObject({ revoked: [], withdrawn: [{}] })
  })

  test('are withdrawn for a program as well, and those of no other device', async () => {
    const [first] = [await est.token('pump-3'), await est.token('pump-3'), await est.token('pump-4')]
    await est.enrol('pump-3', first, request('pump-3'))
    const authority = new CertificateAuthority(est.ca, undefined)
    await authority.revoke(authority.ofName('pump-3'), 'keyCompromise')
    expect(['pump-3', 'pump-4'].map(tokensOf)).toEqual([['spent', 'withdrawn'], ['outstanding']])
  })

  test('stay where another certificate of it stays, and where they are of another device of that name', async () => {
    const [first] = [await est.token('pump-6'), await est.token('pump-6')]
    await est.enrol('pump-6', first, request('pump-6'))
    await est.token('pump-6', 's2')
    const [old] = est.ca.ledger.ofName('pump-6')
    const reserved = est.ca.ledger.reserve({
      issuerKeyId: est.ca.issuerKeyId,
      serialHex: '4242',
      profile: 'device',
      name: 'pump-6',
      identity: 'device:site=s1,device=pump-6',
      clientIds: ['pump-6'],
      keyHash: 'another',
      notAfter: new Date(Date.now() + 86_400_000),
      holds: ['identity device:site=s1,device=pump-6'],
      renew: true,
    })
    expect(reserved.ok).toBe(true)
    expect(revokeCertificates(est.ca.ledger, old === undefined ? [] : [old], 'superseded').withdrawn).toEqual([])
    expect(tokensOf('pump-6')).toEqual(['spent', 'outstanding', 'outstanding'])
    expect(revokeCertificates(est.ca.ledger, est.ca.ledger.ofName('pump-6'), 'superseded').withdrawn).toHaveLength(1)
    expect(tokensOf('pump-6')).toEqual(['spent', 'withdrawn', 'outstanding'])
  })

  test('that have expired are not told as withdrawn', async () => {
    const [first] = [await est.token('pump-7'), await est.token('pump-7', 's1', 60_000)]
    await est.enrol('pump-7', first, request('pump-7'))
    est.aheadMs = 61_000
    const records = est.ca.ledger.ofName('pump-7')
    expect(revokeCertificates(est.ca.ledger, records, 'unspecified').withdrawn).toEqual([])
    est.aheadMs = 0
  })
})
