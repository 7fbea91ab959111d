/** Enrolment after a rotation: a device comes with what the older issuing CA signed, and goes with what the newer one signs. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuthority } from '../../../src/provision/authority.ts'
import { openCa } from '../../../src/provision/ca-folder.ts'
import { readCertsOnly } from '../../../src/provision/enrol/certs-only.ts'
import { createKeys } from '../../../src/provision/keys.ts'
import { certifyPending, installPending, prepareRotation } from '../../../src/provision/rotate-ca.ts'
import { type Enrolled, EstUnderTest, requestOf } from '../../support/est.ts'

let est: EstUnderTest
let first: Enrolled
let other: Enrolled

beforeAll(async () => {
  est = await new EstUnderTest().open()
  first = await est.enrolled('pump-1')
  other = await est.enrolled('pump-2')
  const pending = await prepareRotation(est.ca, { keyType: undefined, passphrase: undefined })
  const root = openAuthority(est.ca.rootPem, readFileSync(join(est.folder, 'ca/root.key'), 'utf8'))
  const pem = certifyPending(est.ca, pending, root, { now: est.now(), days: 365 })
  expect((await installPending(est.ca, pending, Buffer.from(pem), 30)).ok).toBe(true)
  est.ca.ledger.close()
  est.ca = await openCa(join(est.folder, 'ca'), undefined, { now: est.now, by: 'ops@test' })
  est.port = await est.serve()
})
afterAll(() => est.close())

const issuerOf = ({ der }: Enrolled): string => new X509Certificate(der).issuer.split('\n').at(-1) ?? ''

test('all issuing CAs that are not retired are given, the one that signs first', async () => {
  const { body } = await est.send({ path: 'cacerts' })
  const names = readCertsOnly(Buffer.from(body, 'base64')).map(der => new X509Certificate(der).subject.split('\n')[1])
  expect(names.sort()).toEqual(['CN=acme issuing', 'CN=acme issuing 2', 'CN=acme root'])
})

test('a certificate of the older one gets its successor from the newer one', async () => {
  const keys = createKeys()
  const second = est.certificateIn(await est.reenrol(first, requestOf('pump-1', keys)), keys)
  expect([issuerOf(first), issuerOf(second)]).toEqual(['CN=acme issuing', 'CN=acme issuing 2'])
  const next = createKeys()
  const third = est.certificateIn(await est.reenrol(second, requestOf('pump-1', next)), next)
  expect(issuerOf(third)).toBe('CN=acme issuing 2')
})

test('not once it is revoked', async () => {
  est.ca.ledger.revoke(est.ca.ledger.ofName('pump-2'), 'keyCompromise')
  const reply = await est.reenrol(other, requestOf('pump-2', createKeys()))
  expect([reply.status, reply.body.split(':')[0]]).toEqual([403, 'provision/not-in-force'])
})
