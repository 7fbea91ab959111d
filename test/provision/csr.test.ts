/** Signing requests as openssl makes them, and as nobody should be believed. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRequest } from '../../src/provision/csr.ts'
import { checkProperty } from '../support/property.ts'

let folder = ''
let good: Buffer = Buffer.alloc(0)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-csr-'))
  good = request(ec('P-256'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const ec = (curve: string): readonly string[] => ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`]

function request(args: readonly string[], subject = '/CN=evil', form = 'PEM'): Buffer {
  const files = ['-nodes', '-keyout', 'a.key', '-out', 'a.csr', '-outform', form]
  execFileSync('openssl', ['req', '-new', ...args, ...files, '-subj', subject], { cwd: folder, stdio: 'pipe' })
  return readFileSync(join(folder, 'a.csr'))
}

function verdict(bytes: Buffer): string {
  const result = readRequest(bytes)
  return result.ok ? `taken ${result.value.publicKey.asymmetricKeyType}` : result.problem.code
}

const toDer = (pem: Buffer): Buffer => Buffer.from(pem.toString().replace(/-----[^-]+-----|\s/g, ''), 'base64')
const toPem = (der: Buffer): Buffer =>
  Buffer.from(
    `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE REQUEST-----\n`,
  )

describe('a request', () => {
  test.each([
    ['P-256', ec('P-256'), 'taken ec'],
    ['P-384', [...ec('P-384'), '-sha384'], 'taken ec'],
    ['Ed25519', ['-newkey', 'ed25519'], 'taken ed25519'],
    ['RSA 2048', ['-newkey', 'rsa:2048'], 'taken rsa'],
    ['RSA 1024', ['-newkey', 'rsa:1024'], 'provision/weak-key'],
    ['RSA 512', ['-newkey', 'rsa:512'], 'provision/weak-key'],
    ['RSA with exponent 3', ['-newkey', 'rsa:2048', '-pkeyopt', 'rsa_keygen_pubexp:3'], 'provision/weak-key'],
    ['SHA-1', ['-newkey', 'rsa:2048', '-sha1'], 'provision/weak-key'],
    ['secp256k1', ec('secp256k1'), 'provision/weak-key'],
    ['explicit curve', [...ec('P-256'), '-pkeyopt', 'ec_param_enc:explicit'], 'provision/weak-key'],
  ])('with %s is judged', (_, args, expected) => {
    expect(verdict(request(args))).toBe(expected)
  })

  test('in DER is read like one in PEM', () => {
    expect(verdict(toDer(good))).toBe('taken ec')
    expect(verdict(toPem(toDer(good)))).toBe('taken ec')
  })

  test('is taken for its key only; what else it says is told', () => {
    const wishes = request(
      [
        ...ec('P-256'),
        '-addext',
        'basicConstraints=critical,CA:TRUE',
        '-addext',
        'subjectAltName=URI:urn:acme:staff:ops-1',
      ],
      '/OU=admin/CN=a,OU=admin',
    )
    const result = readRequest(wishes)
    expect(result.ok && result.value.ignored).toEqual([
      expect.stringContaining('OU=admin'),
      'extensions basicConstraints, subjectAltName',
    ])
  })

  test.each<[string, (der: Buffer) => Buffer]>([
    ['with a byte after its end', der => Buffer.concat([der, Buffer.from([0])])],
    ['cut short', der => der.subarray(0, -1)],
    ['with another name than was signed', der => replaced(der, 'evil', 'good')],
    ['with a signature that does not fit', der => flipped(der, der.length - 1)],
    ['that is huge', () => Buffer.alloc(70_000, 0x30)],
    ['twice in one file', der => Buffer.concat([toPem(der), toPem(der)])],
    ['after some text', der => Buffer.concat([Buffer.from('Subject: CN=good\n'), toPem(der)])],
    ['that is empty', () => Buffer.alloc(0)],
  ])('%s is refused', (_, harm) => {
    expect(verdict(harm(toDer(good)))).toBe('provision/bad-request')
  })

  test('injured anywhere is refused, or has the very key that signed it', () => {
    const der = toDer(good)
    const key = readRequest(der)
    checkProperty(
      'an injured request is refused',
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const injured = Buffer.from(der)
        injured[at] = (injured[at] ?? 0) ^ mask
        const result = readRequest(injured)
        return !result.ok || (key.ok && result.value.publicKey.equals(key.value.publicKey))
      }),
    )
  })
})

function replaced(der: Buffer, before: string, after: string): Buffer {
  return Buffer.from(der.toString('latin1').replace(before, after), 'latin1')
}

function flipped(der: Buffer, at: number): Buffer {
  const copy = Buffer.from(der)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
