/** Requests that go to a root which is elsewhere, and the certificates that come back: what is signed, and what is installed. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PortcullisError } from '../../src/problem.ts'
import { type Authority, createIssuing, createRoot, signIssuing } from '../../src/provision/authority.ts'
import type { OpenCa } from '../../src/provision/ca-folder.ts'
import { readRequest } from '../../src/provision/csr.ts'
import { writeIssuingRequest } from '../../src/provision/issuing-request.ts'
import { createKeys, keyHashOf } from '../../src/provision/keys.ts'
import { encodeName, type SubjectAttribute } from '../../src/provision/names.ts'
import { installRenewed, renewIssuing } from '../../src/provision/renew-ca.ts'
import { requireRoot, signIssuingRequest } from '../../src/provision/sign-issuing-request.ts'
import { CaWorkbench, codeOf, dayMs } from '../support/ca-workbench.ts'

let bench: CaWorkbench
let ca: OpenCa
let root: Authority
beforeAll(async () => {
  bench = new CaWorkbench()
  ca = await bench.create()
  root = await bench.root(ca)
  bench.write('issuing.csr', writeIssuingRequest(ca.authority))
})
afterAll(() => bench.close())

const days = 1000
const sign = (bytes: Buffer, by = root) => {
  const result = signIssuingRequest(bytes, requireRoot(by, 'root.pem'), { now: bench.now, days })
  if (!result.ok) throw new PortcullisError([result.problem])
  return result.value
}

describe('a request of an issuing CA', () => {
  test('is what openssl takes for one, and proves its key', () => {
    const text = bench.openssl('req', '-in', 'issuing.csr', '-noout', '-verify', '-subject', '-text')
    expect(text).toMatch(/subject=O = acme, CN = acme issuing/)
    expect(readRequest(bench.read('issuing.csr'))).toMatchObject({ ok: true, value: { ignored: [expect.any(String)] } })
  })

  test('is signed as an issuing CA, whatever it asks for, and both sides name the same key', () => {
    const { signed, keyHash, subjectText } = sign(bench.read('issuing.csr'))
    expect([subjectText, keyHash]).toEqual(['O=acme, CN=acme issuing', keyHashOf(ca.authority.keys.publicKey)])
    bench.write('signed.pem', signed.pem)
    expect(bench.openssl('verify', '-x509_strict', '-CAfile', 'ca/root.pem', 'signed.pem')).toBe('signed.pem: OK\n')
    const wish = request('/O=acme/CN=acme issuing 7', '-addext', 'basicConstraints=critical,CA:TRUE,pathlen:5')
    const { signed: other, ignored } = sign(wish)
    expect(ignored).toEqual(['extensions basicConstraints'])
    bench.write('other.pem', other.pem)
    expect(bench.openssl('x509', '-in', 'other.pem', '-noout', '-text')).toContain('CA:TRUE, pathlen:0')
  })

  const weak = ['-newkey', 'rsa:1024']
  test.each<[string, string, () => Buffer]>([
    ['the subject of the root', 'provision/bad-request', () => request('/O=acme/CN=acme root')],
    ['another organisation', 'provision/bad-request', () => request('/O=other/CN=other issuing')],
    ['no organisation', 'provision/bad-request', () => request('/CN=acme issuing')],
    ['no subject', 'provision/bad-request', () => request('/')],
    ['a third attribute', 'provision/bad-request', () => request('/O=acme/CN=acme issuing/OU=admin')],
    [
      'both attributes in one part',
      'provision/bad-request',
      () => request('/O=acme+CN=acme issuing', '-multivalue-rdn'),
    ],
    ['the attributes turned round', 'provision/bad-request', () => request('/CN=acme issuing/O=acme')],
    ['a name that nobody could tell', 'provision/bad-request', () => request('/O=acme/CN=acme\u00a0issuing', '-utf8')],
    ['an Ed25519 key', 'provision/bad-request', () => request('/O=acme/CN=acme issuing', '-newkey', 'ed25519')],
    ['a weak key', 'provision/weak-key', () => request('/O=acme/CN=acme issuing', ...weak)],
    [
      'the key of the root',
      'provision/bad-request',
      () => Buffer.from(writeIssuingRequest({ ...ca.authority, keys: root.keys })),
    ],
    ['a signature by another key', 'provision/bad-request', () => forged()],
    ['an octet more', 'provision/bad-request', () => Buffer.concat([der(), Buffer.from([0])])],
    ['a certificate in its place', 'provision/bad-request', () => bench.read('ca/issuing.pem')],
  ])('is not signed with %s', async (_, code, make) => {
    expect(await codeOf(() => sign(make()))).toBe(code)
  })

  test('is not signed by what is no root, or by one that ends first', async () => {
    const request = bench.read('issuing.csr')
    expect(await codeOf(() => sign(request, ca.authority))).toBe('provision/not-a-ca')
    const short = createRoot({ subject: named('acme root'), now: () => bench.now, validDays: days - 1 })
    expect(await codeOf(() => sign(request, short))).toBe('provision/bad-validity')
    const ended = createRoot({
      subject: named('acme root'),
      now: () => new Date(bench.nowMs - 9 * dayMs),
      validDays: 8,
    })
    expect(await codeOf(() => sign(request, ended))).toBe('provision/ca-expired')
  })

  function request(subject: string, ...more: readonly string[]): Buffer {
    const key = more.includes('-newkey') ? [] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    bench.openssl('req', '-new', ...key, '-nodes', '-keyout', 'a.key', '-out', 'a.csr', '-subj', subject, ...more)
    return bench.read('a.csr')
  }

  function der(): Buffer {
    bench.openssl('req', '-in', 'issuing.csr', '-outform', 'DER', '-out', 'a.der')
    return bench.read('a.der')
  }

  /** The request of one key, with the signature by another over it. */
  function forged(): Buffer {
    const { publicKey } = createKeys()
    const keys = { publicKey, privateKey: ca.authority.keys.privateKey }
    return Buffer.from(writeIssuingRequest({ ...ca.authority, keys }))
  }
})

const named = (commonName: string): readonly SubjectAttribute[] => [
  ['O', 'acme'],
  ['CN', commonName],
]

describe('an answer', () => {
  const keyId = (): string => Buffer.from(ca.issuing.subjectKeyId ?? []).toString('hex')
  const good = {
    basicConstraints: 'critical,CA:TRUE,pathlen:0',
    keyUsage: 'critical,keyCertSign,cRLSign',
    authorityKeyIdentifier: 'keyid',
  }

  /** What OpenSSL makes of the request with these extensions; '' leaves one out. */
  function made(extensions: Readonly<Record<string, string>> = {}, ...more: readonly string[]): Buffer {
    const all = { ...good, subjectKeyIdentifier: keyId(), ...extensions }
    const lines = Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [`${name}=${value}`]))
    bench.write('ext.cnf', `${lines.join('\n')}\n`)
    const by = [
      '-CA',
      'ca/root.pem',
      '-CAkey',
      'ca/root.key',
      '-days',
      '1000',
      '-extfile',
      'ext.cnf',
      '-out',
      'answer.pem',
    ]
    bench.openssl('x509', '-req', '-in', 'issuing.csr', ...by, ...more)
    return bench.read('answer.pem')
  }

  const direct = (more: Partial<Parameters<typeof signIssuing>[1]>, by: Authority = root): Buffer => {
    const { subjectName: name, subjectKeyId } = ca.issuing
    const times = { notBefore: bench.now, notAfter: new Date(bench.nowMs + 1000 * dayMs) }
    const { publicKey } = ca.authority.keys
    return Buffer.from(
      signIssuing(by, { name, keyId: subjectKeyId ?? Buffer.alloc(0), publicKey, ...times, ...more }).pem,
    )
  }
  /** OpenSSL dates by the real clock, which has gone on meanwhile. */
  const soon = (): Date => new Date(bench.nowMs + 60_000)
  const at = (days: number): Date => new Date(bench.nowMs + days * dayMs)
  const impostor = () => createRoot({ subject: named('acme root'), now: () => bench.now, validDays: 2000 })
  const sibling = () => createIssuing(root, { subject: named('acme root'), now: () => bench.now, validDays: 2000 })
  const text = (bytes: Buffer): string => bytes.toString('latin1')

  test.each<[string, RegExp, () => Buffer]>([
    ['nothing', /not one block/, () => Buffer.alloc(0)],
    ['the request', /not one block/, () => bench.read('issuing.csr')],
    ['two certificates', /not one block/, () => Buffer.concat([made(), made()])],
    ['a certificate and a word', /not one block/, () => Buffer.from(`${text(made())}acme\n`)],
    [
      'half a certificate',
      /not one block|strict DER/,
      () => Buffer.from(text(made()).replace(/\n.+\n-----END/, '\n-----END')),
    ],
    ['more than a certificate could be', /not one block/, () => Buffer.from(`${text(made())}${'\n'.repeat(70_000)}`)],
    ['another key', /another key/, () => direct({ publicKey: createKeys().publicKey })],
    [
      'another subject',
      /its subject is O=acme, CN=acme issuing 9/,
      () => direct({ name: encodeName(named('acme issuing 9')) }),
    ],
    ['another issuer', /it was issued by O=acme, CN=acme issuing/, () => direct({ notAfter: at(899) }, ca.authority)],
    ['a root of the same name', /did not sign it|authority key identifier/, () => direct({}, impostor())],
    [
      'a CA that has taken the name of the root',
      /did not sign it|authority key identifier/,
      () => direct({}, sibling()),
    ],
    ['no CA', /no CA/, () => made({ basicConstraints: 'critical,CA:FALSE' })],
    ['no basicConstraints', /no CA/, () => made({ basicConstraints: '' })],
    [
      'basicConstraints that may be passed over',
      /basicConstraints is not critical/,
      () => made({ basicConstraints: 'CA:TRUE,pathlen:0' }),
    ],
    [
      'a pathLenConstraint of 1',
      /pathLenConstraint is not 0/,
      () => made({ basicConstraints: 'critical,CA:TRUE,pathlen:1' }),
    ],
    ['no pathLenConstraint', /pathLenConstraint is not 0/, () => made({ basicConstraints: 'critical,CA:TRUE' })],
    ['no keyUsage', /keyUsage/, () => made({ keyUsage: '' })],
    ['no cRLSign', /keyUsage/, () => made({ keyUsage: 'critical,keyCertSign' })],
    ['a keyUsage more', /keyUsage/, () => made({ keyUsage: 'critical,keyCertSign,cRLSign,digitalSignature' })],
    ['a keyUsage that may be passed over', /keyUsage is not critical/, () => made({ keyUsage: 'keyCertSign,cRLSign' })],
    ['another key identifier', /subject key identifier/, () => made({ subjectKeyIdentifier: 'hash' })],
    ['no key identifier', /subject key identifier/, () => made({ subjectKeyIdentifier: 'none' })],
    ['no authority key identifier', /authority key identifier/, () => made({ authorityKeyIdentifier: 'none' })],
    ['an extended key usage', /2\.5\.29\.37/, () => made({ extendedKeyUsage: 'serverAuth' })],
    ['name constraints', /2\.5\.29\.30/, () => made({ nameConstraints: 'permitted;DNS:acme.example' })],
    ['an extension that nobody knows', /1\.2\.3\.4/, () => made({ '1.2.3.4': 'critical,ASN1:NULL' })],
    ['a signature with SHA-1', /weak/, () => made({}, '-sha1')],
    ['a beginning in the future', /begins only/, () => direct({ notBefore: at(1) })],
    ['an end in the past', /it ended/, () => direct({ notBefore: at(-3), notAfter: at(-2) })],
    [
      'an end after that of the root',
      /outlive the root/,
      () => direct({ notAfter: at(8000) }, { ...root, notAfter: at(9000) }),
    ],
    ['the age of a grandfather', /older than the present/, () => direct({ notBefore: at(-100) })],
    ['an end before that of the present one', /ends before the present/, () => direct({ notAfter: at(800) })],
  ])('with %s is not installed, and nothing changes', async (_, expected, make) => {
    const bytes = make()
    const files = readdirSync(bench.path)
    const before = readFileSync(join(bench.path, 'issuing.pem'), 'utf8')
    const result = await installRenewed(ca, bytes, soon())
    expect(result).toMatchObject({ ok: false, problem: { code: 'provision/bad-answer' } })
    if (!result.ok) expect(result.problem.sentence).toMatch(expected)
    expect(readFileSync(join(bench.path, 'issuing.pem'), 'utf8')).toBe(before)
    expect(readdirSync(bench.path)).toEqual(files)
  })

  test('that is what was asked for is installed, of our making or of openssl’s', async () => {
    await bench.issue(ca, 'pump-7')
    expect(await installRenewed(ca, Buffer.from(sign(bench.read('issuing.csr')).signed.pem), bench.now)).toMatchObject({
      ok: true,
    })
    expect(bench.strict('pump-7')).toBe('pump-7.pem: OK')
    const again = await bench.open()
    const answer = made({ crlDistributionPoints: 'URI:http://crl.acme.example/root.crl' }, '-days', '1100')
    expect(await installRenewed(again, answer, soon())).toMatchObject({ ok: true })
    expect(bench.strict('pump-7')).toBe('pump-7.pem: OK')
    // what is out of date by now, such as an answer that was mislaid, does not come back
    expect(await installRenewed(await bench.open(), direct({ notBefore: at(-2) }), bench.now)).toMatchObject({
      ok: false,
    })
    expect(await codeOf(async () => renewIssuing(await bench.open(), root, { now: soon(), days: 1000 }))).toBe(
      'provision/bad-validity',
    )
  })
})
