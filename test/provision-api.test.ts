/** `portcullis/provision` as a program sees it: by its subpath alone, on real files, with OpenSSL as the judge. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createKeys,
  type DeviceWish,
  keyPem,
  loadPolicyFolder,
  openCertificateAuthority,
  type PolicySet,
  PortcullisError,
  type Problem,
  type Result,
  readRequest,
  requireFree,
  stageFiles,
} from 'portcullis/provision'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

const day = 86_400_000
const start = Date.UTC(2026, 5, 1)
const passphrase = 'correct horse'
let set: PolicySet
let folder: string
let nowMs: number
let authority: CertificateAuthority
const by = 'ops@test'
const now = (): Date => new Date(nowMs)

beforeAll(async () => {
  const policies = fileURLToPath(new URL('../policies', import.meta.url))
  set = (await loadPolicyFolder(policies, { issuers: ['acme'] })).set
})
beforeEach(async () => {
  nowMs = start
  folder = mkdtempSync(join(tmpdir(), 'portcullis-provision-'))
  await createCertificateAuthority(join(folder, 'ca'), { name: 'acme', passphrase, by, now })
  authority = await openCertificateAuthority(join(folder, 'ca'), { passphrase, by, now })
})
afterEach(() => {
  authority.close()
  rmSync(folder, { recursive: true })
})

const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
const wish = (name: string, more: Partial<DeviceWish> = {}): DeviceWish => ({
  set,
  name,
  captures: { site: 's1' },
  publicKey: createKeys().publicKey,
  ...more,
})

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.problem.code}: ${result.problem.sentence}`)
  return result.value
}

function refusal<T>(result: Result<T>): Problem {
  if (result.ok) throw new Error('not refused')
  return result.problem
}

async function thrown(work: () => unknown): Promise<readonly string[]> {
  try {
    await work()
  } catch (error) {
    if (error instanceof PortcullisError) return error.problems.map(({ code }) => code)
  }
  throw new Error('not refused')
}

test('a device certificate, its files published once the ledger knows it, verified by OpenSSL', async () => {
  const keys = createKeys('p384')
  const plan = must(authority.planDevice(wish('pump-12', { publicKey: keys.publicKey, days: 30 })))
  expect(plan.entitlement).toMatchObject({ identityText: 'device:site=s1,device=pump-12', clientIds: ['pump-12'] })
  const [keyFile, certificateFile] = [join(folder, 'pump-12.key'), join(folder, 'pump-12.pem')]
  await requireFree([keyFile, certificateFile])
  const issued = must(
    await authority.issue(plan, async signed => {
      // a signed certificate is nowhere before its record says so
      expect(authority.ofName('pump-12').map(({ state }) => state)).toEqual(['reserved'])
      return stageFiles([
        { path: keyFile, content: keyPem(keys.privateKey), mode: 0o600 },
        { path: certificateFile, content: signed.pem + authority.facts.issuingPem, mode: 0o644 },
      ])
    }),
  )
  expect(issued.certificate.notAfter.getTime()).toBe(start + 30 * day)
  expect(statSync(keyFile).mode & 0o777).toBe(0o600)
  expect(authority.ofName('pump-12').map(({ state }) => state)).toEqual(['issued'])
  const at = ['-attime', String(start / 1000)]
  openssl('verify', '-x509_strict', ...at, '-CAfile', 'ca/root.pem', '-untrusted', 'ca/issuing.pem', 'pump-12.pem')
  const crl = ['-crl_check', '-CRLfile', 'ca/acme.crl']
  openssl('verify', ...at, ...crl, '-CAfile', 'ca/root.pem', '-untrusted', 'ca/issuing.pem', 'pump-12.pem')
})

test('a request, from which only the key is taken', async () => {
  openssl(
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'own.key',
    '-out',
    'own.csr',
    '-subj',
    '/CN=root',
  )
  const request = must(readRequest(Buffer.from(openssl('req', '-in', 'own.csr'))))
  expect(request.ignored).toEqual(['subject CN=root'])
  const { certificate, chainPem } = must(
    await authority.issue(must(authority.planDevice(wish('pump-13', { publicKey: request.publicKey })))),
  )
  expect(chainPem).toBe(certificate.pem + authority.facts.issuingPem)
  writeFileSync(join(folder, 'own.pem'), chainPem)
  expect(openssl('x509', '-in', 'own.pem', '-noout', '-subject')).toContain('CN = pump-13')
  expect(openssl('x509', '-in', 'own.pem', '-noout', '-pubkey')).toBe(openssl('pkey', '-in', 'own.key', '-pubout'))
  expect(refusal(readRequest(Buffer.from('no request'))).code).toBe('provision/bad-request')
})

test('renewing leaves the old one good, unless it is superseded; a compromised key takes all with it and never comes back', async () => {
  const keys = createKeys()
  const first = wish('pump-12', { publicKey: keys.publicKey })
  expect(refusal(await authority.renew(first)).code).toBe('provision/unknown-certificate')
  must(await authority.issue(must(authority.planDevice(first))))
  must(await authority.renew(first))
  const third = must(await authority.renew(wish('pump-12'), { supersede: true }))
  expect(third.superseded).toHaveLength(2)
  const states = (): readonly string[] => authority.list().map(({ state, reason }) => `${state} ${reason ?? ''}`)
  expect(states()).toEqual(['superseded superseded', 'superseded superseded', 'issued '])
  expect(openssl('crl', '-in', 'ca/acme.crl', '-noout', '-text').match(/Serial Number/g)).toHaveLength(2)

  const [oldest] = authority.list()
  if (oldest === undefined) throw new Error('no record')
  expect(await authority.revoke([oldest], 'keyCompromise')).toHaveLength(2)
  expect(states()).toEqual(['revoked keyCompromise', 'revoked keyCompromise', 'issued '])
  expect(authority.history(oldest).map(({ state, by: who }) => [state, who])).toEqual([
    ['reserved', by],
    ['issued', by],
    ['superseded', by],
    ['revoked', by],
  ])
  const again = must(authority.planDevice(wish('pump-99', { publicKey: keys.publicKey })))
  expect(refusal(await authority.issue(again)).code).toBe('provision/compromised-key')
})

test('what the gate would refuse is refused before anything is made', async () => {
  expect(refusal(authority.planDevice(wish('pump-12', { captures: {} }))).code).toBe('provision/bad-captures')
  expect(refusal(authority.planDevice(wish('pump/12'))).code).toBe('provision/bad-name')
  expect(refusal(authority.planDevice(wish('pump-12', { captures: { site: 'staff' } }))).code).toBe(
    'provision/policy-refuses',
  )
  const only = new Map([['site', ['s2']]])
  expect(refusal(authority.planDevice(wish('pump-12', { issuer: { name: 'acme', only } }))).code).toBe(
    'provision/policy-refuses',
  )
  must(await authority.issue(must(authority.planDevice(wish('pump-12')))))
  expect(refusal(await authority.issue(must(authority.planDevice(wish('pump-12'))))).code).toBe('provision/taken')
  expect(authority.list()).toHaveLength(1)
})

test('a disk that fails leaves a revoked record and no file', async () => {
  const plan = must(authority.planDevice(wish('pump-12')))
  const full = async (): Promise<never> => {
    throw new Error('ENOSPC')
  }
  await expect(authority.issue(plan, full)).rejects.toThrow('ENOSPC')
  expect(authority.list().map(({ state }) => state)).toEqual(['revoked'])
  expect(readdirSync(folder)).toEqual(['ca'])
})

test('clock and randomness are the caller’s', async () => {
  const fixed = await openCertificateAuthority(join(folder, 'ca'), {
    passphrase,
    by,
    now,
    random: size => Buffer.alloc(size, 0xab),
  })
  nowMs = start + day
  const { certificate } = must(await fixed.issue(must(fixed.planDevice(wish('pump-12')))))
  expect(certificate.serialHex).toBe(`6b${'ab'.repeat(15)}`)
  expect(certificate.notBefore.getTime()).toBe(start + day - 300_000)
  nowMs = start
  const early = must(authority.planDevice(wish('pump-13')))
  expect(refusal(await authority.issue(early)).code).toBe('provision/clock-set-back')
  nowMs = start + 3651 * day
  expect(await thrown(() => authority.planDevice(wish('pump-14')))).toEqual(['provision/ca-expired'])
  fixed.close()
})

test('a broker may have several certificates, and needs a name that clients reach it by', async () => {
  const server = () =>
    authority.planServer({
      name: 'broker',
      dns: ['localhost'],
      ip: ['127.0.0.1'],
      publicKey: createKeys('rsa2048').publicKey,
    })
  must(await authority.issue(server()))
  writeFileSync(join(folder, 'broker.pem'), must(await authority.issue(server())).chainPem)
  expect(openssl('x509', '-in', 'broker.pem', '-noout', '-ext', 'subjectAltName')).toContain(
    'DNS:localhost, IP Address:127.0.0.1',
  )
  expect(await thrown(() => authority.planServer({ name: 'broker', publicKey: createKeys().publicKey }))).toEqual([
    'provision/bad-name',
  ])
})

test('an authority is never overwritten, and opens with its own passphrase only', async () => {
  const ca = join(folder, 'ca')
  expect(await thrown(() => createCertificateAuthority(ca, { name: 'acme', by }))).toEqual(['provision/file-exists'])
  expect(await thrown(() => openCertificateAuthority(ca, { by }))).toEqual(['provision/wrong-passphrase'])
  expect(await thrown(() => openCertificateAuthority(ca, { by, passphrase: 'wrong horse' }))).toEqual([
    'provision/wrong-passphrase',
  ])
  expect(await thrown(() => openCertificateAuthority(folder, { by }))).toEqual(['provision/not-a-ca'])
  expect(existsSync(join(ca, 'root.key'))).toBe(true)
})

test('the CRL has a number above every one before', async () => {
  const [first] = await authority.writeCrl()
  const [second] = await authority.writeCrl(7)
  expect(second?.written?.number).toBeGreaterThan(first?.written?.number ?? Number.NaN)
  expect(second?.written?.nextUpdate.getTime()).toBe(start + 7 * day)
})

test('what a program begins at the same time is done one after the other', async () => {
  for (const name of ['pump-12', 'pump-13']) must(await authority.issue(must(authority.planDevice(wish(name)))))
  const plan = must(authority.planDevice(wish('pump-14')))
  const [revoked, renewed, issued] = await Promise.all([
    authority.revoke(authority.ofName('pump-12'), 'unspecified'),
    authority.renew(wish('pump-13'), { supersede: true }),
    authority.issue(plan),
    authority.writeCrl(),
  ])
  expect(revoked).toHaveLength(1)
  expect(must(renewed).superseded).toHaveLength(1)
  expect(must(issued).superseded).toEqual([])
})
