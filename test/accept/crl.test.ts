import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Crl, parseCrl, parseCrlFile, parseCrlFileInSlices, verifyCrl } from '../../src/accept/crl.ts'
import type { Authority } from '../../src/provision/authority.ts'
import * as der from '../../src/provision/der.ts'
import { extension } from '../../src/provision/extension.ts'
import { schemeOf } from '../../src/provision/keys.ts'
import { dayMs, makeCrl, makeIssuing, makeRoot, start } from '../support/authorities.ts'
import { checkProperty } from '../support/property.ts'

const root = makeRoot()
const ca = makeIssuing(root)
const revoked = [
  { serialHex: '41aa', date: new Date(start - dayMs), reason: 'keyCompromise' as const },
  { serialHex: 'ff01', date: new Date(start) },
]
const sample = makeCrl(ca, { number: 7, revoked })

function parsed(bytes: Buffer): Crl {
  const result = parseCrl(bytes)
  if (!result.ok) throw new Error(result.problem.sentence)
  return result.value
}

function refusal(bytes: Buffer): string {
  const result = parseCrl(bytes)
  if (result.ok) throw new Error('not refused')
  expect(result.problem.code).toBe('accept/bad-crl')
  expect(result.problem.help).toBeDefined()
  return result.problem.sentence
}

/** A signed CRL with hand-written parts. */
function signed(parts: {
  signer?: Authority
  version?: number | null
  next?: boolean
  entries?: Buffer[]
  extensions?: Buffer[]
  outer?: Buffer
  /** Whether `outer` stands inside too. */
  inner?: boolean
}): Buffer {
  const signer = parts.signer ?? ca
  const { algorithm, sign } = schemeOf(signer.keys.privateKey)
  const tbs = der.sequence(
    ...(parts.version === null ? [] : [der.integer(BigInt(parts.version ?? 1))]),
    parts.inner === true && parts.outer !== undefined ? parts.outer : algorithm,
    signer.name,
    der.time(new Date(start)),
    ...(parts.next === false ? [] : [der.time(new Date(start + dayMs))]),
    ...(parts.entries === undefined ? [] : [der.sequence(...parts.entries)]),
    ...(parts.extensions === undefined ? [] : [der.context(0, der.sequence(...parts.extensions))]),
  )
  return der.sequence(tbs, parts.outer ?? algorithm, der.bitString(sign(tbs)))
}

const entry = (...extensions: Buffer[]): Buffer =>
  der.sequence(
    der.integer(5n),
    der.time(new Date(start)),
    ...(extensions.length === 0 ? [] : [der.sequence(...extensions)]),
  )
const distributionPoint = (...fields: Buffer[]): Buffer => extension('2.5.29.28', true, der.sequence(...fields))
const yes = Buffer.from([0xff])

describe('parseCrl (4.4)', () => {
  it('reads what the authority wrote', () => {
    const crl = parsed(sample.der)
    expect(crl).toMatchObject({ thisUpdate: start, nextUpdate: start + 2 * dayMs, number: 7n })
    expect(crl.issuer.equals(ca.name)).toBe(true)
    expect(crl.authorityKeyId?.equals(ca.keyId)).toBe(true)
    expect([...crl.entries]).toEqual([
      ['41aa', { reason: 'keyCompromise', date: start - dayMs }],
      ['ff01', { reason: 'unspecified', date: start }],
    ])
  })

  it('reads a list without entries, a version 1 list, and an entry with empty extensions', () => {
    expect(parsed(makeCrl(ca).der).entries.size).toBe(0)
    expect(parsed(signed({ version: null, entries: [entry()] })).number).toBeUndefined()
    const empty = der.sequence(der.integer(5n), der.time(new Date(start)), der.sequence())
    expect(parsed(signed({ entries: [empty] })).entries.get('05')?.reason).toBe('unspecified')
  })

  it('counts every listed serial number as revoked, whatever the reason', () => {
    const reason = extension('2.5.29.21', false, der.enumerated(8))
    expect(parsed(signed({ entries: [entry(reason)] })).entries.get('05')?.reason).toBe('removeFromCRL')
  })

  it('takes a distribution point that only has a name', () => {
    expect(parsed(signed({ extensions: [distributionPoint(der.context(0, der.context(0)))] })).entries.size).toBe(0)
  })

  it.each([
    ['trailing bytes', Buffer.concat([sample.der, Buffer.from([0])]), /1 bytes too many/],
    ['an empty file', Buffer.alloc(0), /end comes too early/],
    ['no nextUpdate', signed({ next: false }), /no nextUpdate/],
    ['another version', signed({ version: 2 }), /version other than/],
    [
      'extensions in version 1',
      signed({ version: null, extensions: [extension('2.5.29.20', false, der.integer(1n))] }),
      /of version 1/,
    ],
    ['a delta CRL', signed({ extensions: [extension('2.5.29.27', true, der.integer(1n))] }), /delta/],
    [
      'a delta CRL that is not marked critical',
      signed({ extensions: [extension('2.5.29.27', false, der.integer(1n))] }),
      /delta/,
    ],
    ['an indirect CRL', signed({ extensions: [distributionPoint(der.contextPrimitive(4, yes))] }), /indirect/],
    ['an entry of another CA', signed({ entries: [entry(extension('2.5.29.29', true, der.sequence()))] }), /indirect/],
    [
      'user certificates only',
      signed({ extensions: [distributionPoint(der.contextPrimitive(1, yes))] }),
      /a part of the certificates/,
    ],
    [
      'CA certificates only',
      signed({ extensions: [distributionPoint(der.contextPrimitive(2, yes))] }),
      /a part of the certificates/,
    ],
    [
      'some reasons only',
      signed({ extensions: [distributionPoint(der.contextPrimitive(3, Buffer.from([6, 0x40])))] }),
      /some reasons/,
    ],
    [
      'an unknown critical extension',
      signed({ extensions: [extension('1.2.3.4', true, der.integer(1n))] }),
      /1\.2\.3\.4/,
    ],
    [
      'an unknown critical entry extension',
      signed({ entries: [entry(extension('1.2.3.4', true, der.integer(1n)))] }),
      /1\.2\.3\.4/,
    ],
    [
      'an extension twice',
      signed({
        extensions: [extension('2.5.29.20', false, der.integer(1n)), extension('2.5.29.20', false, der.integer(1n))],
      }),
      /twice/,
    ],
    [
      'a negative number',
      signed({ extensions: [extension('2.5.29.20', false, Buffer.from([2, 1, 0xff]))] }),
      /negative/,
    ],
    [
      'a negative serial number, which without its sign would be another',
      signed({ entries: [der.sequence(Buffer.from([2, 1, 0xff]), der.time(new Date(start)))] }),
      /negative/,
    ],
    [
      'octets behind the key identifier of its CA',
      signed({ extensions: [extension('2.5.29.35', false, der.sequence(Buffer.from('80020102040100', 'hex')))] }),
      /3 bytes too many/,
    ],
    [
      'parameters behind the parameters of its algorithm',
      signed({ outer: der.sequence(der.oid('1.2.840.10045.4.3.2'), Buffer.from('05000500', 'hex')), inner: true }),
      /2 bytes too many/,
    ],
    ['two algorithms', signed({ outer: der.sequence(der.oid('1.2.840.10045.4.3.4')) }), /two different/],
  ])('refuses %s', (_, bytes, sentence) => {
    expect(refusal(bytes)).toMatch(sentence)
  })

  it('refuses SHA-1', () => {
    const sha1 = der.sequence(der.oid('1.2.840.10045.4.1'))
    const tbs = der.sequence(
      der.integer(1n),
      sha1,
      ca.name,
      der.time(new Date(start)),
      der.time(new Date(start + dayMs)),
    )
    expect(refusal(der.sequence(tbs, sha1, der.bitString(Buffer.alloc(70))))).toMatch(/weaker than SHA-256/)
  })

  it('reads 100,000 entries', () => {
    const serials = Array.from({ length: 100_000 }, (_, n) => ({
      serialHex: `41${n.toString(16).padStart(6, '0')}`,
      date: new Date(start),
    }))
    const crl = parsed(makeCrl(ca, { revoked: serials }).der)
    expect(crl.entries.size).toBe(100_000)
    expect(crl.entries.has('4101869f')).toBe(true)
  })

  it('never throws, and never takes over a changed list as signed', () => {
    checkProperty(
      'parseCrl never throws on mutated DER',
      fc.property(
        fc.array(fc.tuple(fc.nat(sample.der.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.nat(sample.der.length),
        (changes, length) => {
          const bytes = Buffer.from(sample.der)
          for (const [at, value] of changes) bytes[at] = value
          parseCrl(bytes.subarray(0, length))
          const whole = parseCrl(bytes)
          if (whole.ok && !whole.value.tbs.equals(parsed(sample.der).tbs))
            expect(verifyCrl(whole.value, ca.keys.publicKey)).toBe(false)
        },
      ),
    )
  })

  it('never throws on bytes of any kind', () => {
    checkProperty(
      'parseCrlFile never throws on any bytes',
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(parseCrlFile(Buffer.from(bytes)).ok).toBe(false)
      }),
    )
  })
})

describe('parseCrlFile', () => {
  it('reads DER, PEM, and several PEM blocks', () => {
    const count = (bytes: Buffer | string): number => {
      const result = parseCrlFile(Buffer.from(bytes))
      return result.ok ? result.value.length : 0
    }
    expect(count(sample.der)).toBe(1)
    expect(count(`a comment\n${sample.pem}`)).toBe(1)
    expect(count(sample.pem + makeCrl(root).pem)).toBe(2)
    expect(count(sample.pem.replaceAll('\n', '\r\n'))).toBe(1)
  })

  it.each([
    ['another label', sample.pem.replaceAll('X509 CRL', 'CRL')],
    ['a block cut short', sample.pem.slice(0, 200)],
    ['a second block cut short', sample.pem + sample.pem.slice(0, 200)],
    ['no block', 'hello'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    const result = parseCrlFile(Buffer.from(text))
    expect(result).toMatchObject({ ok: false, problem: { code: 'accept/bad-crl' } })
  })
})

describe('a CRL of 20,000 entries', () => {
  const large = makeCrl(ca, {
    number: 8,
    revoked: Array.from({ length: 20_000 }, (_, index) => ({
      serialHex: (0x4100_0000 + index).toString(16),
      date: new Date(start),
    })),
  })

  it('is read in slices to the same result, and others have their turns', async () => {
    let turns = 0
    let isReading = true
    const takeTurns = (): void => {
      turns++
      if (isReading) setImmediate(takeTurns)
    }
    takeTurns()
    const sliced = await parseCrlFileInSlices(large.der)
    isReading = false
    const whole = parsed(large.der)
    expect(whole.entries.size).toBe(20_000)
    expect(sliced.ok && sliced.value[0]?.entries).toEqual(whole.entries)
    expect(turns).toBeGreaterThan(10)
  })

  it('whose last entry is broken is refused whole', async () => {
    const entries = Array.from({ length: 3_000 }, () => entry())
    const result = await parseCrlFileInSlices(signed({ entries: [...entries, der.sequence(der.integer(5n))] }))
    expect(result).toMatchObject({ ok: false, problem: { code: 'accept/bad-crl' } })
  })
})

describe('verifyCrl', () => {
  it('knows the key that signed', () => {
    expect(verifyCrl(parsed(sample.der), ca.keys.publicKey)).toBe(true)
    expect(verifyCrl(parsed(sample.der), root.keys.publicKey)).toBe(false)
  })

  it('is false for a key of another kind', () => {
    expect(verifyCrl(parsed(sample.der), generateKeyPairSync('ed25519').publicKey)).toBe(false)
    expect(verifyCrl(parsed(sample.der), generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)).toBe(false)
  })
})
