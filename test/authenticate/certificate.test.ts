import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Certificate, certificateCache, parseCertificate } from '../../src/authenticate/certificate.ts'
import type { FieldName, FieldValue } from '../../src/policy/model.ts'
import { bits, hex, oid, seq, strings, tlv } from '../support/der.ts'
import {
  cn,
  deviceExtensions,
  extensions,
  fingerprintOf,
  type OddName,
  type OddOptions,
  oddCertificate,
  ou,
  plainName,
  testPki,
} from '../support/pki.ts'

const parsed = (der: Uint8Array): Certificate => {
  const result = parseCertificate(der)
  if (!result.ok) throw new Error(result.problem.sentence)
  return result.value
}
const odd = (options: OddOptions): Certificate => parsed(oddCertificate(options))
const field = (certificate: Certificate, name: FieldName): readonly FieldValue[] => certificate.values.get(name) ?? []
const named = (subject: OddName, name: FieldName = 'subject.cn'): readonly FieldValue[] => field(odd({ subject }), name)
const single = (text: string, stringType: FieldValue['stringType']): FieldValue[] => [
  { text, stringType, inMultiValuedRdn: false },
]
const isRefused = (der: Uint8Array): boolean => {
  const result = parseCertificate(der)
  return !result.ok && result.problem.code === 'authenticate/unparsable-certificate'
}

describe('a good certificate', () => {
  const pki = testPki()
  const issued = pki.device(
    [
      ['O', 'acme'],
      ['OU', 's1'],
      ['CN', 'pump-7'],
    ],
    { sans: { uri: ['urn:acme:pump:7'], dns: ['pump-7.acme'], ip: ['192.0.2.7', '2001:db8::7'] } },
  )
  const certificate = parsed(issued.der)

  test('agrees with OpenSSL on what both tell', () => {
    const x509 = new X509Certificate(issued.der)
    expect(certificate.serial).toBe(x509.serialNumber.toLowerCase())
    expect(certificate.fingerprint).toBe(x509.fingerprint256.replaceAll(':', '').toLowerCase())
    expect(certificate.notBefore).toBe(Date.parse(x509.validFrom))
    expect(certificate.notAfter).toBe(Date.parse(x509.validTo))
    expect(Buffer.from(certificate.publicKey.der)).toEqual(x509.publicKey.export({ type: 'spki', format: 'der' }))
  })

  test('says what its extensions and algorithms say', () => {
    expect(certificate).toMatchObject({
      version: 3,
      publicKey: { algorithm: 'ec', curve: 'P-256' },
      signatureHash: 'sha256',
      keyUsage: new Set(['digitalSignature']),
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
      basicConstraints: { ca: false },
      unknownCriticalExtensions: [],
      duplicateExtensions: [],
      subjectText: 'O=acme, OU=s1, CN=pump-7',
      issuerText: 'CN=acme issuing',
    })
    expect(Buffer.from(certificate.issuerName)).toEqual(pki.issuing.name)
  })

  test('fills every field of the table', () => {
    expect(
      Object.fromEntries([...certificate.values].map(([name, values]) => [name, values.map(({ text }) => text)])),
    ).toEqual({
      'subject.o': ['acme'],
      'subject.ou': ['s1'],
      'subject.cn': ['pump-7'],
      'issuer.cn': ['acme issuing'],
      'san.uri': ['urn:acme:pump:7'],
      'san.dns': ['pump-7.acme'],
      'san.ip': ['192.0.2.7', '2001:db8::7'],
      serial: [issued.serialHex],
      'fingerprint.sha256': [fingerprintOf(issued.der)],
    })
  })
})

describe('names are handed on exactly as they stand (aedes.md, item 25)', () => {
  test.each([
    '',
    ' pump-7 ',
    'Pump-7',
    'a,OU=admin',
    'a+b',
    '#',
    'a/b',
    'a\0b',
    'a\nb',
    'ﬀ',
    'e\u0301',
    '\ufeffpump-7',
    'рump-7',
    'x'.repeat(300),
  ])('UTF8String %j', text => expect(named(plainName(text))).toEqual(single(text, 'utf8')))

  test('every octet, as UTF8String and as PrintableString', () => {
    for (let octet = 0; octet < 256; octet++) {
      const text = `a${String.fromCharCode(octet)}b`
      const raw = Buffer.from(text, 'latin1')
      expect(named([[[cn, tlv(0x0c, raw)]]])).toEqual(single(text, octet < 0x80 ? 'utf8' : 'other'))
      const isPrintable = /^[A-Za-z0-9 '()+,\-./:=?]$/.test(String.fromCharCode(octet))
      expect(named([[[cn, tlv(0x13, raw)]]])).toEqual(single(text, isPrintable ? 'printable' : 'other'))
    }
  })

  test.each([
    ['PrintableString', strings.printable('pump-7'), 'printable'],
    ['IA5String', strings.ia5('pump-7'), 'ia5'],
    ['TeletexString', strings.teletex('pump-7'), 'other'],
    ['BMPString', strings.bmp('pump-7'), 'other'],
  ] as const)('%s is told apart', (_, value, stringType) =>
    expect(named([[[cn, value]]])).toEqual(single('pump-7', stringType)),
  )

  test('a BMPString whose octets read as another device, and a UniversalString, are `other`', () => {
    expect(named([[[cn, tlv(0x1e, Buffer.from('pump-8'))]]])[0]?.stringType).toBe('other')
    expect(named([[[cn, strings.universal('pump-8')]]])[0]?.stringType).toBe('other')
    expect(named([[[cn, tlv(0x1e, Buffer.from('pump7'))]]])[0]?.stringType).toBe('other')
  })

  test('a value that is no string at all is `other`', () => {
    expect(named([[[cn, seq(strings.utf8('pump-7'))]]])[0]?.stringType).toBe('other')
  })

  test('two CNs and two OUs are two values', () => {
    const subject = [
      [[ou, strings.utf8('s1')]],
      [[cn, strings.utf8('a')]],
      [[ou, strings.utf8('s2')]],
      [[cn, strings.utf8('b')]],
    ] as const
    expect(named(subject).map(({ text }) => text)).toEqual(['a', 'b'])
    expect(named(subject, 'subject.ou').map(({ text }) => text)).toEqual(['s1', 's2'])
  })

  test('attributes of a multi-valued RDN say so', () => {
    const subject = [
      [
        [ou, strings.utf8('s1')],
        [cn, strings.utf8('a')],
      ],
      [[cn, strings.utf8('b')]],
    ] as const
    expect(named(subject).map(({ inMultiValuedRdn }) => inMultiValuedRdn)).toEqual([true, false])
  })

  test('the text for people is escaped and bounded', () => {
    expect(odd({ subject: plainName('a,OU=x\n\u202e\u009b') }).subjectText).toBe(
      'OU=s1, CN=a\\,OU\\=x\\u{a}\\u{202e}\\u{9b}',
    )
    expect(odd({ subject: plainName('x'.repeat(5000)) }).subjectText).toHaveLength(301)
    expect(odd({ subject: [[['1.2.3.4', strings.utf8('v')]]] }).subjectText).toBe('1.2.3.4=v')
  })

  test('issuer and subject are kept apart', () => {
    const certificate = odd({ issuer: plainName('ca'), subject: plainName('pump-7') })
    expect(field(certificate, 'issuer.cn')).toEqual(single('ca', 'utf8'))
    expect(field(certificate, 'subject.cn')).toEqual(single('pump-7', 'utf8'))
  })
})

describe('subject alternative names', () => {
  const san = (tag: number, content: string | Uint8Array) => odd({ extensions: [extensions.san([tag, content])] })

  test('each kind, exactly as it stands', () => {
    expect(field(san(0x81, 'a@b'), 'san.email')).toEqual(single('a@b', 'ia5'))
    expect(field(san(0x82, 'A.example\0.evil'), 'san.dns')).toEqual(single('A.example\0.evil', 'ia5'))
    expect(field(san(0x86, 'urn:x%41'), 'san.uri')).toEqual(single('urn:x%41', 'ia5'))
    expect(field(san(0x82, 'ü'), 'san.dns')).toEqual(single('ü', 'other'))
  })

  test.each([
    ['c0000207', '192.0.2.7'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['fe800000000000000000000000000000', 'fe80::'],
    ['00010000000000000002000300040005', '1::2:3:4:5'],
  ])('IP %s reads %s (RFC 5952)', (octets, text) =>
    expect(field(san(0x87, hex(octets)), 'san.ip')).toEqual(single(text, 'ia5')),
  )

  test.each(['', 'c00002', '0a000000ff000000', '00'.repeat(17)])('an IP of the octets "%s" is refused', octets => {
    expect(isRefused(oddCertificate({ extensions: [extensions.san([0x87, hex(octets)])] }))).toBe(true)
  })

  test('other kinds of name are passed over, an empty list and other tags are refused', () => {
    expect(san(0x88, hex('2a03')).values.has('san.uri')).toBe(false)
    expect(isRefused(oddCertificate({ extensions: [extensions.san()] }))).toBe(true)
    expect(isRefused(oddCertificate({ extensions: [extensions.san([0x0c, 'a'])] }))).toBe(true)
  })
})

/** The certificate with another tag wherever these octets stand. */
function renamed(der: Buffer, part: Buffer, tag: number): Buffer {
  const changed = Buffer.from(der)
  expect(changed.includes(part)).toBe(true)
  for (let at = changed.indexOf(part); at >= 0; at = changed.indexOf(part)) changed[at] = tag
  return changed
}

describe('strict DER', () => {
  const good = oddCertificate()
  const withExtension = (id: string, value: Uint8Array) => oddCertificate({ extensions: [[id, false, value]] })

  test.each([
    ['nothing', hex('')],
    ['trailing octet', Buffer.concat([good, hex('00')])],
    ['a second certificate behind', Buffer.concat([good, good])],
    ['cut short', good.subarray(0, -1)],
    ['PEM', Buffer.from('-----BEGIN CERTIFICATE-----')],
    ['an empty sequence', hex('3000')],
    ['an indefinite length', hex('3080 0000')],
    ['a length that claims 4 GB', hex('3084 ffffffff')],
    ['a length of five octets', hex('3085 0000000001')],
    ['a length with a leading zero', Buffer.concat([hex('308300'), good.subarray(2)])],
    ['a long form for a short length', hex('308101 00')],
    ['a long tag', hex('3f8101 00')],
    ['70 kB', tlv(0x30, Buffer.alloc(60_000), Buffer.alloc(5_000))],
    ['trailing octets inside an extension', withExtension('2.5.29.19', hex('300000'))],
    ['a boolean that is neither 00 nor ff', withExtension('2.5.29.19', hex('3003010101'))],
    ['a key usage with set unused bits', withExtension('2.5.29.15', bits(hex('81'), 7))],
    ['a key purpose that is no OID', withExtension('2.5.29.37', seq(hex('0500')))],
    ['an empty RDN', oddCertificate({ subject: [[]] })],
    ['two signature algorithms', oddCertificate({ outerAlgorithm: seq(oid('1.2.840.10045.4.3.3')) })],
    ['serial 0', oddCertificate({ serial: hex('00') })],
    ['a negative serial', oddCertificate({ serial: hex('80') })],
    ['a serial with a needless zero', oddCertificate({ serial: hex('0040') })],
    ['a serial of 21 octets', oddCertificate({ serial: Buffer.alloc(21, 0x40) })],
    [
      'an attribute of three parts',
      oddCertificate({ subject: [[[cn, Buffer.concat([strings.utf8('a'), strings.utf8('b')])]]] }),
    ],
    ['an algorithm named by something other than an OID', renamed(good, oid('1.2.840.10045.4.3.2'), 0x04)],
    ['a key whose algorithm is named by something other than an OID', renamed(good, oid('1.2.840.10045.2.1'), 0x04)],
    ['an authority key identifier out of order', withExtension('2.5.29.35', seq(hex('820107'), hex('8001aa')))],
    ['a path length of 2^31', withExtension('2.5.29.19', hex('300a 0101ff 02050080000000'))],
  ])('refuses %s', (_, der) => expect(isRefused(der)).toBe(true))

  test('a serial loses its sign octet and nothing else', () => {
    expect(odd({ serial: hex('00ff01') }).serial).toBe('ff01')
    expect(odd({ serial: hex('0a') }).serial).toBe('0a')
    expect(odd({ serial: Buffer.alloc(20, 0x40) }).serial).toBe('40'.repeat(20))
  })

  test('what is odd but legal is read, for the rules to judge', () => {
    expect(odd({ version: 1 }).version).toBe(1)
    expect(odd({ extensions: [...deviceExtensions, extensions.clientAuth] }).duplicateExtensions).toEqual(['2.5.29.37'])
    expect(
      odd({ extensions: [extensions.unknownCritical, extensions.unknownPlain] }).unknownCriticalExtensions,
    ).toEqual(['1.3.6.1.4.1.99999.1'])
    expect(odd({ extensions: [['2.5.29.19', false, hex('3003010100')]] }).basicConstraints).toEqual({
      ca: false,
      pathLength: undefined,
    })
    expect(odd({ extensions: [['2.5.29.19', true, hex('30060101ff020103')]] }).basicConstraints).toEqual({
      ca: true,
      pathLength: 3,
    })
  })

  test('a verdict does not change with the buffer that it was read from', () => {
    const buffer = Buffer.from(good)
    const certificate = parsed(buffer)
    buffer.fill(0)
    expect(Buffer.from(certificate.der)).toEqual(good)
    expect(Buffer.from(certificate.issuerName).includes('odd')).toBe(true)
  })
})

describe('the cache', () => {
  const ders = [1, 2, 3].map(n => oddCertificate({ serial: Buffer.from([n]) }))
  const [a = hex(''), b = hex(''), c = hex('')] = ders

  test('keeps the most recently used, and no more than it may', () => {
    const cache = certificateCache(2)
    const first = cache.get(a)
    cache.get(b)
    expect(cache.get(Buffer.from(a))).toBe(first)
    cache.get(c) // b goes
    expect(cache.size()).toBe(2)
    expect(cache.get(a)).toBe(first)
  })

  test('gives what the parser gives, for bad ones too', () => {
    const cache = certificateCache(2)
    expect(cache.get(a)).toEqual(parseCertificate(a))
    expect(cache.get(hex('30'))).toEqual(parseCertificate(hex('30')))
  })
})

describe('certificates that OpenSSL made', () => {
  const made = (...options: string[]): Certificate => {
    const args = [
      'req',
      '-x509',
      '-nodes',
      '-keyout',
      '/dev/null',
      '-outform',
      'DER',
      '-subj',
      '/C=DE/O=Acme/OU=s1/CN=pump-7/emailAddress=a@b.de',
    ]
    return parsed(execFileSync('openssl', [...args, ...options], { stdio: ['ignore', 'pipe', 'ignore'] }))
  }
  const rsa = ['-newkey', 'rsa:2048']

  test.each([
    ['RSA', [...rsa, '-sha384'], 'rsa', 'sha384'],
    ['RSASSA-PSS', [...rsa, '-sha256', '-sigopt', 'rsa_padding_mode:pss'], 'rsa', 'sha256'],
    [
      'RSASSA-PSS with SHA-1, the default of its parameters',
      [...rsa, '-sha1', '-sigopt', 'rsa_padding_mode:pss'],
      'rsa',
      'sha1',
    ],
    ['Ed25519', ['-newkey', 'ed25519'], 'ed25519', 'sha512'],
    ['P-521', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521', '-sha512'], 'ec', 'sha512'],
  ] as const)('%s', (_, options, algorithm, signatureHash) => {
    const certificate = made(...options)
    expect(certificate).toMatchObject({ publicKey: { algorithm }, signatureHash, basicConstraints: { ca: true } })
    if (algorithm === 'rsa') expect(certificate.publicKey.bits).toBe(2048)
    expect(field(certificate, 'subject.c')).toEqual(single('DE', 'printable'))
    expect(field(certificate, 'subject.cn')).toEqual(single('pump-7', 'utf8'))
  })
})
