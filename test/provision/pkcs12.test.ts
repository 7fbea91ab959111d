/** PKCS#12 files as real programs read them: OpenSSL, Java's keytool where there is one, and Node. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issueLeaf } from '../../src/provision/authority.ts'
import { createKeys, type KeyType } from '../../src/provision/keys.ts'
import { type Pkcs12Content, type Pkcs12Form, writePkcs12 } from '../../src/provision/pkcs12.ts'
import { codesOf, dayMs, makeIssuing, makeRoot, start } from '../support/authorities.ts'

const hasKeytool = spawnSync('keytool', ['-help']).error === undefined
if (!hasKeytool) console.warn('SKIPPED: no keytool here (Debian: default-jre-headless), so Java reads no PKCS#12 file')

const password = 'correct horse'
const root = makeRoot()
const issuing = makeIssuing(root)
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-p12-'))
  writeFileSync(join(folder, 'right'), `${password}\n`)
  writeFileSync(join(folder, 'wrong'), 'correct house\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function contentOf(keyType: KeyType): Pkcs12Content & { readonly pem: string } {
  const leaf = issueLeaf(issuing, {
    profile: 'device',
    subject: [['CN', 'pump-12']],
    sans: {},
    keys: createKeys(keyType),
    notBefore: new Date(start),
    notAfter: new Date(start + 90 * dayMs),
  })
  const { keyPem, pem, der: leafDer } = leaf
  const chainPem = [issuing.pem, root.pem]
  return { friendlyName: 'pump-12', keyPem, leafDer, chainPem, password, isPasswordRandom: false, pem }
}

/** stdout where it could be read, and what was said. */
function openssl(file: string, secret: string, more: readonly string[]): { status: number | null; said: string } {
  const words = ['pkcs12', '-in', join(folder, file), '-passin', `file:${join(folder, secret)}`, ...more]
  const { status, stdout, stderr } = spawnSync('openssl', words, { encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

const blocks = (text: string, label: string): readonly string[] =>
  text.match(new RegExp(`-----BEGIN ${label}-----\\n[^-]*-----END ${label}-----\\n`, 'g')) ?? []

const cases: readonly [Pkcs12Form, KeyType, readonly string[], readonly string[]][] = [
  ['modern', 'p256', [], ['MAC: sha256, Iteration 100000', 'AES-256-CBC, Iteration 100000, PRF hmacWithSHA256']],
  ['modern', 'p384', [], ['MAC: sha256, Iteration 100000', 'AES-256-CBC, Iteration 100000, PRF hmacWithSHA256']],
  ['modern', 'rsa2048', [], ['MAC: sha256, Iteration 100000', 'AES-256-CBC, Iteration 100000, PRF hmacWithSHA256']],
  ['legacy', 'rsa2048', ['-legacy'], ['MAC: sha1, Iteration 2048', 'pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048']],
  ['legacy', 'rsa3072', ['-legacy'], ['MAC: sha1, Iteration 2048', 'pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048']],
]

describe.each(cases)('%s, %s', (form, keyType, flags, algorithms) => {
  const file = `${form}-${keyType}.p12`
  const content = contentOf(keyType)
  let bytes: Buffer = Buffer.alloc(0)
  beforeAll(async () => {
    bytes = await writePkcs12(form, content)
    writeFileSync(join(folder, file), bytes)
  }, 180_000)

  test('OpenSSL finds the key and every certificate, each octet as it was, and the name at both', () => {
    const { status, said } = openssl(file, 'right', ['-info', '-nodes', ...flags])
    expect(status).toBe(0)
    for (const algorithm of algorithms) expect(said).toContain(algorithm)
    // in what it says of the file: base64 may have these letters by chance
    expect(said.replaceAll(/-----BEGIN.*?-----END/gs, '')).not.toContain('RC2')
    expect(
      blocks(said, 'PRIVATE KEY').map(pem => createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' })),
    ).toEqual([content.keyPem])
    expect(blocks(said, 'CERTIFICATE')).toEqual([content.pem, issuing.pem, root.pem])
    expect(said.match(/friendlyName: pump-12\n/g)).toHaveLength(2)
    const ids = said.match(/localKeyID: .*/g)
    expect(ids).toEqual([ids?.[0], ids?.[0]])
  })

  test('a wrong password opens nothing', () => {
    const { status, said } = openssl(file, 'wrong', ['-nodes', ...flags])
    expect(status).not.toBe(0)
    expect(said).toContain('Mac verify error')
    expect(said).not.toContain('BEGIN')
  })

  test('one octet changed is noticed', () => {
    const broken = Buffer.from(bytes)
    const at = Math.floor(broken.length / 2)
    broken[at] = (broken[at] ?? 0) ^ 1
    writeFileSync(join(folder, `broken-${file}`), broken)
    expect(openssl(`broken-${file}`, 'right', ['-nodes', ...flags]).status).not.toBe(0)
  })

  test('key, names and password do not stand in it as they are', () => {
    const der = createPrivateKey(content.keyPem).export({ type: 'pkcs8', format: 'der' })
    expect(bytes.includes(der.subarray(-64))).toBe(false)
    expect(bytes.includes(Buffer.from(issuing.der).subarray(-64))).toBe(false)
    expect(bytes.includes(password)).toBe(false)
  })

  test.skipIf(!hasKeytool)(
    'Java finds one entry with its chain, and the key can be used',
    () => {
      const words = ['-keystore', join(folder, file), '-storetype', 'PKCS12', '-storepass:file', join(folder, 'right')]
      const said = execFileSync('keytool', ['-J-Duser.language=en', '-list', '-v', ...words], { encoding: 'utf8' })
      expect(said).toContain('Your keystore contains 1 entry')
      expect(said).toContain('Alias name: pump-12\n')
      expect(said).toContain('Entry type: PrivateKeyEntry\nCertificate chain length: 3\n')
      // the key signs: an entry that only looks like one would not
      const request = execFileSync('keytool', ['-certreq', '-alias', 'pump-12', ...words], { encoding: 'utf8' })
      const verified = spawnSync('openssl', ['req', '-verify', '-noout'], { input: request, encoding: 'utf8' })
      expect(verified.stderr + verified.stdout).toMatch(/verify OK/)
      const wrong = words.with(-1, join(folder, 'wrong'))
      expect(spawnSync('keytool', ['-list', ...wrong], { encoding: 'utf8' }).status).not.toBe(0)
    },
    180_000,
  )

  // Node's OpenSSL has the algorithms of both forms
  test('Node takes it as `pfx`', () => {
    expect(() => createSecureContext({ pfx: bytes, passphrase: password })).not.toThrow()
    expect(() => createSecureContext({ pfx: bytes, passphrase: 'correct house' })).toThrow(/mac verify failure/)
  })
})

test('what is random is counted less: a guess at it is hopeless anyway', async () => {
  const content = { ...contentOf('p256'), isPasswordRandom: true }
  writeFileSync(join(folder, 'random.p12'), await writePkcs12('modern', content))
  const { said } = openssl('random.p12', 'right', ['-info', '-noout'])
  expect(said).toContain('MAC: sha256, Iteration 2048')
  expect(said).toContain('AES-256-CBC, Iteration 2048, PRF hmacWithSHA256')
})

test('two files of the same have nothing random in common', async () => {
  const content = { ...contentOf('p256'), isPasswordRandom: true }
  const [one, two] = [await writePkcs12('modern', content), await writePkcs12('modern', content)]
  expect(one.length).toBe(two.length)
  expect(one.subarray(-64).equals(two.subarray(-64))).toBe(false)
})

describe('is refused', () => {
  const elliptic = contentOf('p256')

  test('an elliptic key in a legacy file', async () => {
    expect(await codesOf(writePkcs12('legacy', elliptic))).toEqual(['provision/pkcs12-needs-rsa'])
  })

  test.each([
    ['', 'empty'],
    ['1234567', 'short'],
    ['p\u00e4ssword-long', 'not ASCII'],
    ['passw\u0000ord-long', 'with NUL'],
    ['x'.repeat(257), 'very long'],
  ])('a password: %j, %s', async secret => {
    expect(await codesOf(writePkcs12('modern', { ...elliptic, password: secret }))).toEqual([
      'provision/pkcs12-password',
    ])
  })

  test('a key that is not of the certificate, without a word of the key', async () => {
    const { keyPem } = contentOf('p256')
    const error: unknown = await writePkcs12('modern', { ...elliptic, keyPem }).catch((reason: unknown) => reason)
    expect(String(error)).toContain('provision/not-a-ca: the key of the file would not be the one of its certificate')
    expect(String(error)).not.toContain(keyPem.slice(30, 60))
  })
})

test('who asks for no such file loads neither library', () => {
  const loaders = ['pkcs12.ts', 'pkcs12-bags.ts'].map(name =>
    readFileSync(new URL(`../../src/provision/${name}`, import.meta.url), 'utf8'),
  )
  for (const text of loaders) expect(text).not.toMatch(/^import (?!type).*pkcs12-(?:modern|legacy)|pkijs'|node-forge'/m)
})
