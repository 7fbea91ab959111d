/** What is issued and what is not, and that nothing stays half made. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PolicySet } from '../../src/policy/model.ts'
import { PortcullisError, type Result } from '../../src/problem.ts'
import { createCa, type NewCa, type OpenCa, openCa } from '../../src/provision/ca-folder.ts'
import { publishCrl } from '../../src/provision/crl-file.ts'
import { wantedIdentity } from '../../src/provision/identity-names.ts'
import { issueThroughLedger } from '../../src/provision/issue-leaf.ts'
import { createKeys, keyTypes } from '../../src/provision/keys.ts'
import { planDevice } from '../../src/provision/plan-device.ts'
import { planServer } from '../../src/provision/server-plan.ts'
import { requireFree, stageFiles } from '../../src/provision/staged-files.ts'
import { setOf } from '../support/policy-set.ts'

const day = 86_400_000
const start = Date.UTC(2026, 5, 1)
const newCa: NewCa = {
  name: 'acme',
  keyType: 'p256',
  passphrase: 'correct horse',
  rootDays: 1000,
  issuingDays: 900,
  crlDays: 30,
}
let folder = ''
let nowMs = start
let ca: OpenCa
const options = { now: () => new Date(nowMs), by: 'ops@test' }

beforeEach(async () => {
  nowMs = start
  folder = mkdtempSync(join(tmpdir(), 'portcullis-plan-'))
  await createCa(join(folder, 'ca'), newCa, options)
  ca = await openCa(join(folder, 'ca'), newCa.passphrase, options)
})
afterEach(() => {
  ca.ledger.close()
  rmSync(folder, { recursive: true })
})

const plant = setOf(`
identities:
  device:
    issuer: acme
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    except: { subject.ou: staff }
    unique: [device]
    clientId: "\${device}"
    roles: [sensor]
  staff: { from: { subject.ou: staff, san.uri: "urn:acme:staff:\${name}" }, clientId: "\${name}/+", roles: [sensor] }
  token: { from: { subject.o: tokens, serial: "\${token:hex}" }, clientId: "token/\${token}/x", roles: [sensor] }
  foreign: { issuer: others, from: { subject.o: foreign, subject.cn: "\${foreign}" }, clientId: "foreign/\${foreign}/x", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: plant/telemetry/# }] }
`)

function wish(name: string, given: Readonly<Record<string, string>> = {}, kind = 'device', set: PolicySet = plant) {
  const identity = wantedIdentity(set, { name, kind, given: new Map(Object.entries(given)) })
  if (!identity.ok) return identity
  const { publicKey } = createKeys()
  const issuer = { name: 'acme', only: new Map([['site', ['s1', 's2', 'staff']]]) }
  return planDevice(ca, { set, issuer, identity: identity.value, name, publicKey, days: 100 })
}

const refusal = (result: Result<unknown>): string => (result.ok ? 'planned' : result.problem.code)
const codeOf = async (run: () => unknown): Promise<string> => {
  try {
    await run()
  } catch (error) {
    if (error instanceof PortcullisError) return error.problems[0]?.code ?? ''
    throw error
  }
  return 'nothing thrown'
}

function issue(name: string, site: string, renew = false) {
  const plan = wish(name, { site })
  if (!plan.ok) throw new PortcullisError([plan.problem])
  return issueThroughLedger(ca, plan.value, { renew, stage: () => stageFiles([]) })
}

describe('a device', () => {
  test('gets the names of its identity, its client id and its rules', () => {
    const plan = wish('pump-7', { site: 's1' })
    expect(plan.ok && plan.value).toMatchObject({
      subject: [
        ['OU', 's1'],
        ['CN', 'pump-7'],
      ],
      clientIds: ['pump-7'],
      entitlement: { identityText: 'device:site=s1,device=pump-7', rules: [{ filters: ['plant/telemetry/#'] }] },
    })
    const staff = wish('ops-1', {}, 'staff')
    expect(staff.ok && [staff.value.subject, staff.value.sans, staff.value.clientIds]).toEqual([
      [['OU', 'staff']],
      { uri: ['urn:acme:staff:ops-1'] },
      ['ops-1/+'],
    ])
  })

  test.each<[string, string, Record<string, string>, string, string]>([
    ['of an identity that is not there', 'pump-7', {}, 'pomp', 'provision/unknown-identity'],
    ['without a capture', 'pump-7', {}, 'device', 'provision/bad-captures'],
    ['with a capture that is not there', 'pump-7', { sites: 's1' }, 'device', 'provision/bad-captures'],
    ['with all of them given', 'pump-7', { site: 's1', device: 'a' }, 'device', 'provision/bad-captures'],
    ['whose name injects an attribute', 'a,OU=admin', { site: 's1' }, 'device', 'provision/bad-name'],
    ['whose name is a wildcard', '+', { site: 's1' }, 'device', 'provision/bad-name'],
    ['whose name leaves the folder', '../a', { site: 's1' }, 'device', 'provision/bad-name'],
    ['that another identity would be', 'pump-7', { site: 'staff' }, 'device', 'provision/policy-refuses'],
    ['that its issuer may not certify', 'pump-7', { site: 's3' }, 'device', 'provision/policy-refuses'],
    ['of another issuer', 'pump-7', {}, 'foreign', 'provision/policy-refuses'],
    ['named by its serial', 'abc', {}, 'token', 'provision/not-from-template'],
  ])('%s is not planned', (_, name, given, kind, code) => {
    expect(refusal(wish(name, given, kind))).toBe(code)
    expect(ca.ledger.all()).toEqual([])
  })

  test('that no rule lets do anything is not planned', () => {
    const idle = setOf('identities:\n  probe: { from: { subject.cn: "${probe}" }, clientId: "${probe}" }')
    expect(refusal(wish('a', {}, 'probe', idle))).toBe('provision/no-rights')
  })

  test('is not issued where it shares a unique value or client id with another, until that is revoked', async () => {
    expect(refusal(await issue('pump-7', 's1'))).toBe('planned')
    expect(refusal(await issue('pump-7', 's2'))).toBe('provision/taken')
    expect(refusal(await issue('pump-7', 's2', true))).toBe('provision/taken')
    expect(refusal(await issue('pump-7', 's1', true))).toBe('planned')
    ca.ledger.revoke(ca.ledger.ofName('pump-7'), 'unspecified')
    expect(refusal(await issue('pump-7', 's2'))).toBe('planned')
  })

  test('whose files cannot be written has no certificate, and can be tried again', async () => {
    const plan = wish('pump-7', { site: 's1' })
    if (!plan.ok) throw new Error('not planned')
    const path = join(folder, 'pump-7.pem')
    const file = { path, content: 'x', mode: 0o644 }
    const failing = {
      // the disk is full
      staging: () => stageFiles([file, { ...file, path: join(folder, 'no', 'folder') }]),
      // somebody takes the name in between
      publishing: async () => {
        const staged = await stageFiles([{ ...file, path: join(folder, 'pump-7.key') }, file])
        writeFileSync(path, 'mine')
        return staged
      },
    }
    await expect(issueThroughLedger(ca, plan.value, { renew: false, stage: failing.staging })).rejects.toThrow('ENOENT')
    expect(existsSync(path)).toBe(false)
    const taken = () => issueThroughLedger(ca, plan.value, { renew: false, stage: failing.publishing })
    expect(await codeOf(taken)).toBe('provision/file-exists')
    expect(readdirSync(folder).sort()).toEqual(['ca', 'pump-7.pem'])
    expect(ca.ledger.all().map(({ state }) => state)).toEqual(['revoked', 'revoked'])
    expect(refusal(await issue('pump-7', 's1'))).toBe('planned')
    expect(await codeOf(() => requireFree([path]))).toBe('provision/file-exists')
  })
})

describe('an authority', () => {
  test('is not made over another one, and leaves nothing where it fails', async () => {
    expect(await codeOf(() => createCa(join(folder, 'ca'), newCa, options))).toBe('provision/file-exists')
    const tooLong = () => createCa(join(folder, 'new'), { ...newCa, issuingDays: 2000 }, options)
    expect(await codeOf(tooLong)).toBe('provision/bad-validity')
    expect(readdirSync(folder)).toEqual(['ca'])
  })

  test('does not open with another passphrase, without one, or for another root', async () => {
    const path = join(folder, 'ca')
    expect(await codeOf(() => openCa(path, 'wrong horse', options))).toBe('provision/wrong-passphrase')
    expect(await codeOf(() => openCa(path, undefined, options))).toBe('provision/wrong-passphrase')
    rmSync(join(path, 'ledger.db'))
    expect(await codeOf(() => openCa(path, newCa.passphrase, options))).toBe('provision/no-ledger')
    writeFileSync(join(path, 'issuing.pem'), ca.rootPem)
    expect(await codeOf(() => openCa(path, newCa.passphrase, options))).toBe('provision/not-a-ca')
  })

  test('issues nothing before or after its time, and nothing that outlives it', async () => {
    nowMs = start + 850 * day
    expect(await codeOf(() => wish('pump-7', { site: 's1' }))).toBe('provision/bad-validity')
    nowMs = start + 901 * day
    expect(await codeOf(() => wish('pump-7', { site: 's1' }))).toBe('provision/ca-expired')
    nowMs = start - day
    expect(await codeOf(() => wish('pump-7', { site: 's1' }))).toBe('provision/ca-expired')
  })

  test.each(keyTypes)('with %s passes openssl verify -x509_strict', async keyType => {
    const path = join(folder, keyType)
    await createCa(path, { ...newCa, keyType, passphrase: undefined }, { ...options, now: () => new Date() })
    const own = await openCa(path, undefined, { ...options, now: () => new Date() })
    try {
      const { publicKey } = createKeys()
      const plan = planServer(own, { name: 'broker', dns: ['localhost'], ip: ['::1'], publicKey, days: 10 })
      const stage = (signed: { readonly pem: string }) =>
        stageFiles([{ path: join(path, 'broker.pem'), content: signed.pem, mode: 0o644 }])
      expect(refusal(await issueThroughLedger(own, plan, { renew: true, stage }))).toBe('planned')
      expect(await publishCrl(own, 7)).toMatchObject([{ written: { number: 2, entries: 0 } }])
    } finally {
      own.ledger.close()
    }
    const openssl = (...args: string[]): string =>
      execFileSync('openssl', args, { cwd: path, encoding: 'utf8', stdio: 'pipe' })
    const verify = ['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem']
    expect(openssl(...verify, '-purpose', 'sslserver', 'broker.pem')).toBe('broker.pem: OK\n')
    expect(openssl('crl', '-in', 'acme.crl', '-noout', '-crlnumber')).toContain('02')
  })

  test('makes no broker certificate that nobody could reach', async () => {
    const { publicKey } = createKeys()
    const plan = () => planServer(ca, { name: 'broker', dns: [], ip: [], publicKey, days: 10 })
    expect(await codeOf(plan)).toBe('provision/bad-name')
  })
})
