/** Certificates in their envelope: written as OpenSSL reads it, and read strictly. */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { DerError } from '../../../src/accept/der.ts'
import { certsOnly, readCertsOnly } from '../../../src/provision/enrol/certs-only.ts'
import { makeDevice, makeIssuing, makeRoot } from '../../support/authorities.ts'

const root = makeRoot()
const issuing = makeIssuing(root)
const envelope = certsOnly([issuing.der, root.der, makeDevice(issuing).der])

test('OpenSSL reads what is written, and writes what is read', () => {
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { input: envelope })
  const shown = openssl('pkcs7', '-inform', 'DER', '-print_certs', '-noout').toString()
  expect(shown.match(/^subject=CN = .*$/gm)?.sort()).toEqual([
    'subject=CN = Acme Issuing',
    'subject=CN = Acme Root',
    'subject=CN = pump-7',
  ])
  expect(openssl('pkcs7', '-inform', 'DER', '-outform', 'DER').equals(envelope)).toBe(true)
  expect(readCertsOnly(envelope)).toHaveLength(3)
})

describe('what is not read', () => {
  test('an envelope that is injured anywhere gives an error of its own, or certificates', () => {
    const header = envelope.length - readCertsOnly(envelope).reduce((sum, der) => sum + der.length, 0)
    for (let at = 0; at < header; at++) {
      for (const bit of [1, 4, 32, 128]) {
        const injured = Buffer.from(envelope)
        injured.writeUInt8(injured.readUInt8(at) ^ bit, at)
        try {
          readCertsOnly(injured)
        } catch (error) {
          expect(error).toBeInstanceOf(DerError)
        }
      }
    }
    for (let length = 0; length < header + 10; length++) {
      expect(() => readCertsOnly(envelope.subarray(0, length))).toThrow(DerError)
    }
    expect(() => readCertsOnly(Buffer.concat([envelope, Buffer.from([0])]))).toThrow(DerError)
  })

  test('one that holds nothing', () => {
    expect(() => readCertsOnly(certsOnly([]))).toThrow(DerError)
  })
})
