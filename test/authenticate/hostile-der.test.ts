import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCertificate } from '../../src/authenticate/certificate.ts'
import { checkCertificate } from '../../src/authenticate/rules.ts'
import { deviceExtensions, extensions, oddCertificate, rsaKeys } from '../support/pki.ts'
import { checkProperty } from '../support/property.ts'

const seeds = [
  oddCertificate(),
  oddCertificate({
    extensions: [...deviceExtensions, extensions.san([0x86, 'urn:a'], [0x87, Buffer.alloc(16)], [0x82, 'a'])],
  }),
  oddCertificate({
    keys: rsaKeys(2048),
    extensions: [extensions.ca, extensions.keyCertSign, extensions.nameConstraints],
  }),
]

/** One edit: an octet changed, put in, taken out, or the rest cut off. */
const edit = fc.record({
  kind: fc.constantFrom('change', 'insert', 'remove', 'cut', 'repeat'),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  octet: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0x30, 0x31, 0x80, 0x84, 0xa0, 0xff)),
})

type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

function apply(der: Buffer, { kind, at, octet }: Edit): Buffer {
  const i = Math.floor(at * der.length)
  const [head, tail] = [der.subarray(0, i), der.subarray(i)]
  switch (kind) {
    case 'change':
      return Buffer.concat([head, Buffer.from([octet]), tail.subarray(1)])
    case 'insert':
      return Buffer.concat([head, Buffer.from([octet]), tail])
    case 'remove':
      return Buffer.concat([head, tail.subarray(1)])
    case 'repeat':
      return Buffer.concat([head, tail, tail])
    default:
      return Buffer.from(head)
  }
}

const mutated = fc
  .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 }))
  .map(([seed, edits]) => edits.reduce(apply, seed))

test('parsing and judging never throw, whatever the octets', () => {
  checkProperty(
    'parseCertificate is total',
    fc.property(
      fc.oneof({ weight: 9, arbitrary: mutated }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) }),
      der => {
        const result = parseCertificate(der)
        if (result.ok) checkCertificate(result.value, 0)
        else expect(result.problem.code).toBe('authenticate/unparsable-certificate')
      },
    ),
  )
})

test('what parses, and OpenSSL reads too, has one serial number for both, and no octet unread', () => {
  checkProperty(
    'parseCertificate agrees with OpenSSL',
    fc.property(mutated, der => {
      const ours = parseCertificate(der)
      const theirs = openssl(der)
      if (!ours.ok || theirs === undefined) return
      expect(ours.value.serial).toBe(theirs.serialNumber.toLowerCase())
      expect(theirs.raw.length).toBe(der.length)
    }),
  )
})

function openssl(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}

test('thirty thousand names cost no more than one long one', () => {
  const many = Array.from({ length: 30_000 }, () => [0x82, ''] as const)
  const der = oddCertificate({ extensions: [extensions.san(...many)] })
  const started = performance.now()
  const result = parseCertificate(der)
  expect(result.ok && result.value.values.get('san.dns')?.length).toBe(30_000)
  expect(performance.now() - started).toBeLessThan(500)
})

test('a long object identifier or a deep nest costs no more than its length', () => {
  const started = performance.now()
  for (const tag of [0x06, 0x30, 0x03]) parseCertificate(Buffer.alloc(64 * 1024, tag))
  parseCertificate(
    oddCertificate({
      extensions: [
        [
          '2.5.29.37',
          false,
          Buffer.concat([Buffer.from([0x30, 0x82, 0xea, 0x64, 0x06, 0x82, 0xea, 0x60]), Buffer.alloc(60_000, 0xff)]),
        ],
      ],
    }),
  )
  expect(performance.now() - started).toBeLessThan(500)
})
