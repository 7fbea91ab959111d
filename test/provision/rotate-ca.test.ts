/** Two issuing CAs side by side: who signs, whose CRL says what, when the old one may go, and kills in between. */
import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadIssuers } from '../../src/accept/load-issuers.ts'
import { openRevocations } from '../../src/accept/revocation.ts'
import { type OpenCa, readCa } from '../../src/provision/ca-folder.ts'
import { isCrlBehind } from '../../src/provision/crl-behind.ts'
import { publishCrl } from '../../src/provision/crl-file.ts'
import { writeIssuingRequest } from '../../src/provision/issuing-request.ts'
import type { KeyType } from '../../src/provision/keys.ts'
import { overlapsOf } from '../../src/provision/overlap.ts'
import { retireCas } from '../../src/provision/retire-ca.ts'
import { certifyPending, installPending, prepareRotation, requireNoOverlap } from '../../src/provision/rotate-ca.ts'
import { requireRoot, signIssuingRequest } from '../../src/provision/sign-issuing-request.ts'
import { Random } from '../fuzz/random.ts'
import { CaWorkbench, codeOf, dayMs } from '../support/ca-workbench.ts'

let bench: CaWorkbench
let ca: OpenCa
beforeEach(async () => {
  bench = new CaWorkbench()
  ca = await bench.create()
})
afterEach(() => bench.close())

const prepare = (keyType?: KeyType) => prepareRotation(ca, { keyType, passphrase: bench.passphrase })

/** As `ca rotate` does; the authority as the next command finds it. */
async function rotate(keyType?: KeyType): Promise<OpenCa> {
  const pending = await prepare(keyType)
  const pem = certifyPending(ca, pending, await bench.root(ca), { now: bench.now, days: 900 })
  expect(await installPending(ca, pending, Buffer.from(pem), 30)).toEqual({ ok: true, value: undefined })
  ca = await bench.open()
  return ca
}

const retire = async () => {
  const result = await retireCas(ca, ca.ledger, bench.now)
  ca = await bench.open()
  return result.ok ? result.value.map(({ generation }) => generation) : result.problem.code
}

describe('after a rotation', () => {
  test('the new CA signs, and what the old one signed stays valid', async () => {
    await bench.issue(ca, 'pump-7')
    const old = ca
    await rotate()
    expect(ca.issuing.subjectText).toBe('O=acme, CN=acme issuing 2')
    expect(ca.issuing.subjectKeyId).not.toEqual(old.issuing.subjectKeyId)
    await bench.issue(ca, 'pump-8')
    expect(bench.strict('pump-7')).toBe('pump-7.pem: OK')
    expect(bench.strict('pump-8', 'ca/issuing-2.pem')).toBe('pump-8.pem: OK')
    expect(bench.strict('pump-8')).toMatch(/unable to get local issuer certificate/)
    expect(statSync(join(bench.path, 'issuing-2.key')).mode & 0o777).toBe(0o600)
  })

  test('each writes its own CRL, which openssl checks and a gate takes', async () => {
    await bench.issue(ca, 'pump-7')
    await rotate()
    await bench.issue(ca, 'pump-8')
    await bench.issue(ca, 'pump-9')
    ca.ledger.revoke([...ca.ledger.ofName('pump-7'), ...ca.ledger.ofName('pump-8')], 'keyCompromise')
    expect(await isCrlBehind(ca, ca.ledger.all(), bench.now)).toBe(true)
    const published = await publishCrl(ca, 30)
    expect(published.map(({ written }) => written)).toMatchObject([
      { number: 2, entries: 1 },
      { number: 2, entries: 1 },
    ])
    expect(await isCrlBehind(ca, ca.ledger.all(), bench.now)).toBe(false)
    const check = (name: string, generation: string): string =>
      bench.strict(name, `ca/issuing${generation}.pem`, '-crl_check', '-CRLfile', `ca/acme${generation}.crl`)
    expect(check('pump-7', '')).toMatch(/certificate revoked/)
    expect(check('pump-8', '-2')).toMatch(/certificate revoked/)
    expect(check('pump-9', '-2')).toBe('pump-9.pem: OK')

    const issuers = await loadIssuers(
      {
        acme: {
          certificates: ['issuing-2.pem', 'issuing.pem'],
          root: 'root.pem',
          crl: ['acme-2.crl', 'acme.crl'],
        },
      },
      bench.path,
    )
    const revocations = await openRevocations(issuers)
    const verdicts = ['pump-7', 'pump-8', 'pump-9'].map(name => {
      const x509 = new X509Certificate(bench.read(`${name}.pem`))
      const found = issuers.findIssuer(x509.raw, x509.fingerprint256)
      const result = found && revocations.check(found, x509.serialNumber, Date.now() + 1000)
      return [found?.name, result?.ok === true ? 'good' : result?.problem.code]
    })
    expect(verdicts).toEqual([
      ['acme', 'accept/revoked'],
      ['acme', 'accept/revoked'],
      ['acme', 'good'],
    ])
  })

  test('a renewed device moves to the new CA, and its old certificate goes on the CRL of the old one', async () => {
    await bench.issue(ca, 'pump-7')
    const old = ca.issuerKeyId
    await rotate()
    await bench.issue(ca, 'pump-7', { supersede: true })
    const records = ca.ledger.ofName('pump-7')
    expect(records.map(({ state, issuerKeyId }) => [state, issuerKeyId])).toEqual([
      ['superseded', old],
      ['issued', ca.issuerKeyId],
    ])
    expect((await publishCrl(ca, 30)).map(({ written }) => written?.entries)).toEqual([1, 0])
    // nobody else gets its name from the new one while it lives
    expect(await codeOf(() => bench.issue(ca, 'pump-7'))).toBe('provision/taken')
  })

  test('the overlap tells who depends on the old one and until when', async () => {
    const long = await bench.issue(ca, 'pump-7', { days: 100 })
    await bench.issue(ca, 'pump-8', { days: 50 })
    await rotate()
    await bench.issue(ca, 'pump-9', { days: 200 })
    const [overlap, ...more] = overlapsOf(ca, ca.ledger.all(), bench.now)
    expect(more).toEqual([])
    expect(overlap?.devices.map(({ name }) => name)).toEqual(['pump-7', 'pump-8'])
    expect(Math.abs((overlap?.neededUntil?.getTime() ?? 0) - long.notAfter.getTime())).toBeLessThan(1000)
    expect(overlapsOf(ca, ca.ledger.all(), new Date(bench.nowMs + 60 * dayMs))[0]?.devices).toHaveLength(1)
    expect(await codeOf(() => requireNoOverlap(ca))).toBe('provision/rotation-under-way')
  })

  test.each<[KeyType, string]>([
    ['p384', 'secp384r1'],
    ['rsa2048', 'rsaEncryption'],
  ])('with a %s key the chain is strict, and the next one keeps the type', async (type, name) => {
    await rotate(type)
    await bench.issue(ca, 'pump-8')
    expect(bench.strict('pump-8', 'ca/issuing-2.pem')).toBe('pump-8.pem: OK')
    await rotate()
    expect(bench.openssl('x509', '-in', 'ca/issuing-3.pem', '-noout', '-text')).toContain(name)
  })
})

describe('with the root elsewhere', () => {
  test('the new key waits until the answer is installed', async () => {
    const pending = await prepare()
    const request = Buffer.from(writeIssuingRequest(pending))
    expect(pending.isOld).toBe(false)
    expect((await readCa(bench.path)).issuing.subjectText).toBe('O=acme, CN=acme issuing')
    const root = requireRoot(await bench.root(ca), 'root.pem')
    const signed = signIssuingRequest(request, root, { now: bench.now, days: 800 })
    const again = await prepare()
    expect(again.isOld).toBe(true)
    expect(again.keys.publicKey.equals(pending.keys.publicKey)).toBe(true)
    expect(await codeOf(() => prepare('p384'))).toBe('provision/file-exists')
    const bytes = Buffer.from(signed.ok ? signed.value.signed.pem : '')
    expect(await installPending(ca, again, bytes, 30)).toMatchObject({ ok: true })
    ca = await bench.open()
    await bench.issue(ca, 'pump-8')
    expect(bench.strict('pump-8', 'ca/issuing-2.pem')).toBe('pump-8.pem: OK')
  })

  test('an answer for another key, or the certificate of the old CA, is not installed', async () => {
    const pending = await prepare()
    const foreign = { ...pending, keys: ca.authority.keys }
    const root = await bench.root(ca)
    for (const pem of [certifyPending(ca, foreign, root, { now: bench.now, days: 800 }), ca.issuingPem]) {
      expect(await installPending(ca, pending, Buffer.from(pem), 30)).toMatchObject({
        ok: false,
        problem: { code: 'provision/bad-answer' },
      })
    }
    expect(existsSync(join(bench.path, 'issuing-2.pem'))).toBe(false)
  })

  test('a key that waits under another passphrase is not certified', async () => {
    await prepare()
    bench.openssl('pkcs8', '-topk8', '-in', 'ca/issuing-2.key', '-out', 'locked.key', '-passout', 'pass:horse')
    renameSync(join(bench.folder, 'locked.key'), join(bench.path, 'issuing-2.key'))
    expect(await codeOf(() => prepare())).toBe('provision/wrong-passphrase')
    writeFileSync(join(bench.path, 'issuing-2.key'), '')
    expect(await codeOf(() => prepare())).toBe('provision/not-a-ca')
  })
})

describe('the old one', () => {
  test('is not retired while anything living depends on it, and takes its key and CRL with it then', async () => {
    await bench.issue(ca, 'pump-7')
    expect(await retire()).toBe('provision/still-needed')
    await rotate()
    expect(await retire()).toBe('provision/still-needed')
    expect(existsSync(join(bench.path, 'retired'))).toBe(false)
    await bench.issue(ca, 'pump-7', { supersede: true })
    expect(await retire()).toEqual([1])
    expect(readdirSync(join(bench.path, 'retired')).sort()).toEqual(['acme.crl', 'issuing.key', 'issuing.pem'])
    expect(
      readdirSync(bench.path)
        .filter(name => /^issuing|crl$/.test(name))
        .sort(),
    ).toEqual(['acme-2.crl', 'issuing-2.key', 'issuing-2.pem'])
    expect(ca.ledger.ofName('pump-7')).toHaveLength(2)
    expect((await publishCrl(ca, 30)).map(({ file }) => file)).toEqual([join(bench.path, 'acme-2.crl')])
    expect(await retire()).toBe('provision/still-needed')
  })

  test('is retired when its last certificate has ended', async () => {
    await bench.issue(ca, 'pump-7', { days: 10 })
    await rotate()
    bench.nowMs += 10 * dayMs - 1000
    expect(await retire()).toBe('provision/still-needed')
    bench.nowMs += 2000
    expect(await retire()).toEqual([1])
  })

  test('is not kept by a reservation that a killed command left, nor retired under one that is at work', async () => {
    const reserved = ca.ledger.reserve({
      ...{ issuerKeyId: ca.issuerKeyId, serialHex: '41', profile: 'device', name: 'pump-7', identity: undefined },
      ...{ clientIds: [], keyHash: 'k', notAfter: new Date(bench.nowMs + dayMs), holds: [], renew: false },
    })
    await rotate()
    expect(await retire()).toBe('provision/still-needed')
    bench.nowMs += 60_000
    expect(await retire()).toEqual([1])
    expect(await codeOf(() => reserved.ok && ca.ledger.issue(reserved.value, Buffer.alloc(0)))).toBe(
      'provision/reservation-lost',
    )
  })

  test('is retired wholly by the next run where a kill came after its certificate', async () => {
    await rotate()
    expect(await retire()).toEqual([1])
    for (const name of ['issuing.key', 'acme.crl'])
      renameSync(join(bench.path, 'retired', name), join(bench.path, name))
    expect(await retire()).toBe('provision/still-needed')
    expect(readdirSync(join(bench.path, 'retired')).sort()).toEqual(['acme.crl', 'issuing.key', 'issuing.pem'])
  })

  test('never gives its number to a later one', async () => {
    await rotate()
    await retire()
    await rotate()
    expect(ca.issuing.subjectText).toBe('O=acme, CN=acme issuing 3')
    rmSync(join(bench.path, 'issuing-3.pem')) // as a kill before the last step
    ca = await bench.open()
    expect((await prepare()).generation).toBe(3)
  })
})

const child = fileURLToPath(new URL('../support/ca-child.mjs', import.meta.url))

/** Lines of a process that is killed with SIGKILL some turns of the event loop after it has said its `line`th. */
function killed(what: string, line: number, turns: number): Promise<readonly string[]> {
  const running = spawn(process.execPath, [child, what, bench.path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  createInterface({ input: running.stdout }).on('line', text => {
    lines.push(text)
    if (lines.length !== line) return
    const spin = (left: number): void => {
      if (left === 0) running.kill('SIGKILL')
      else setImmediate(spin, left - 1)
    }
    spin(turns)
  })
  return new Promise(resolve => running.once('close', () => resolve(lines.filter(text => text !== 'ready'))))
}

const fingerprint = (file: string): string =>
  new X509Certificate(readFileSync(file)).fingerprint256.replaceAll(':', '').toLowerCase()

test.each(['renew', 'rotate'])(
  'killed at any point, %s leaves the old or the new whole, and loses none',
  { timeout: 120_000 },
  async what => {
    await bench.issue(ca, 'pump-7')
    const random = new Random(20_261_128)
    const said: string[] = [ca.issuing.fingerprint]
    for (let turn = 0; turn < 8; turn++) {
      said.push(...(await killed(what, 1 + random.below(4), random.below(12_000))))
      ca = await bench.open() // opens every key, and every certificate with it
      const there = readdirSync(bench.path).filter(name => /^issuing.*\.pem$/.test(name))
      const known = new Set(there.map(name => fingerprint(join(bench.path, name))))
      expect(said.filter(one => !known.has(one))).toEqual([])
      expect(bench.strict('pump-7')).toBe('pump-7.pem: OK')
    }
    await bench.issue(ca, 'pump-8')
    const { certificateFile } = ca.issuingCas.at(-1) ?? {}
    expect(bench.strict('pump-8', certificateFile)).toBe('pump-8.pem: OK')
    const leftovers = readdirSync(bench.path).filter(name => name.endsWith('.tmp')).length
    console.log(JSON.stringify({ what, kills: 8, leftovers, done: said.length - 1, issuingCas: ca.issuingCas.length }))
  },
)
