/**
 * Certificates for tests: `testPki()` for good ones, from the authority under `src/provision/`, and `oddCertificate()`
 * for what no sane CA would sign, from a DER writer of the tests' own.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  type Authority,
  createIssuing,
  createRoot,
  type IssuedCertificate,
  issueLeaf,
} from '../../src/provision/authority.ts'
import type { AlternativeNames, SubjectAttribute } from '../../src/provision/names.ts'
import { type Bytes, bits, explicit, generalizedTime, hex, int, octets, oid, seq, set, strings, tlv } from './der.ts'

const day = 86_400_000

export interface TestPki {
  readonly root: Authority
  readonly issuing: Authority
  /** localhost, 127.0.0.1, ::1. */
  readonly server: IssuedCertificate
  /** A device certificate, valid from five minutes ago for 30 days unless said. */
  readonly device: (
    subject: readonly SubjectAttribute[],
    extra?: { readonly sans?: AlternativeNames; readonly notBefore?: Date; readonly notAfter?: Date },
  ) => IssuedCertificate
  /** What a client or server sends: leaf, then issuing. */
  readonly chainPem: (leaf: IssuedCertificate) => string
}

/** A root, an issuing CA, a server certificate and a device certificate for whoever asks; all in memory. */
export function testPki(name = 'acme', now: () => Date = () => new Date()): TestPki {
  const root = createRoot({ subject: [['CN', `${name} root`]], now, validDays: 3650 })
  const issuing = createIssuing(root, { subject: [['CN', `${name} issuing`]], now, validDays: 1825 })
  const validity = { notBefore: new Date(now().getTime() - 300_000), notAfter: new Date(now().getTime() + 30 * day) }
  const sans = { dns: ['localhost'], ip: ['127.0.0.1', '::1'] }
  return {
    root,
    issuing,
    server: issueLeaf(issuing, { profile: 'server', subject: [['CN', 'localhost']], sans, ...validity }),
    device: (subject, extra = {}) => issueLeaf(issuing, { profile: 'device', subject, ...validity, ...extra }),
    chainPem: leaf => leaf.pem + issuing.pem,
  }
}

/** RDNs, each of one or more attributes: `[type OID, encoded value]`. */
export type OddName = readonly (readonly (readonly [type: string, value: Bytes])[])[]

export const cn = '2.5.4.3'
export const ou = '2.5.4.11'

/** OU=s1, CN=`value`, as UTF8String. */
export const plainName = (value = 'pump-7'): OddName => [[[ou, strings.utf8('s1')]], [[cn, strings.utf8(value)]]]

const encodeName = (name: OddName): Buffer =>
  seq(...name.map(rdn => set(...rdn.map(([type, value]) => seq(oid(type), value)))))

/** One extension: OID, critical, content. */
export type OddExtension = readonly [id: string, critical: boolean, value: Bytes]

export const extensions = {
  endEntity: ['2.5.29.19', true, seq()] as OddExtension,
  ca: ['2.5.29.19', true, seq(hex('0101ff'))] as OddExtension,
  digitalSignature: ['2.5.29.15', true, bits(hex('80'), 7)] as OddExtension,
  keyAgreement: ['2.5.29.15', true, bits(hex('08'), 3)] as OddExtension,
  keyCertSign: ['2.5.29.15', true, bits(hex('04'), 2)] as OddExtension,
  clientAuth: ['2.5.29.37', false, seq(oid('1.3.6.1.5.5.7.3.2'))] as OddExtension,
  serverAuth: ['2.5.29.37', false, seq(oid('1.3.6.1.5.5.7.3.1'))] as OddExtension,
  anyPurpose: ['2.5.29.37', false, seq(oid('2.5.29.37.0'))] as OddExtension,
  unknownCritical: ['1.3.6.1.4.1.99999.1', true, hex('0500')] as OddExtension,
  unknownPlain: ['1.3.6.1.4.1.99999.2', false, hex('0500')] as OddExtension,
  nameConstraints: ['2.5.29.30', true, seq(explicit(0, seq(tlv(0x82, Buffer.from('acme')))))] as OddExtension,
  /** SAN from entries `[tag, content]`: 0x81 email, 0x82 dns, 0x86 uri, 0x87 ip. */
  san: (...entries: readonly (readonly [tag: number, content: string | Bytes])[]): OddExtension => [
    '2.5.29.17',
    false,
    seq(
      ...entries.map(([tag, content]) =>
        tlv(tag, typeof content === 'string' ? Buffer.from(content, 'latin1') : content),
      ),
    ),
  ],
} as const

/** What a well-behaved device certificate carries. */
export const deviceExtensions: readonly OddExtension[] = [
  extensions.endEntity,
  extensions.digitalSignature,
  extensions.clientAuth,
]

export interface OddOptions {
  readonly subject?: OddName
  readonly issuer?: OddName
  readonly serial?: Bytes
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly extensions?: readonly OddExtension[]
  readonly version?: number
  readonly keys?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  /** Signs; itself, if not given. The issuer name is then the authority's unless said. */
  readonly by?: Authority
  readonly hash?: 'sha1' | 'sha224' | 'sha256' | 'sha384'
  /** Behind the outer sequence. */
  readonly trailing?: Bytes
  /** AlgorithmIdentifier outside, where it should differ from the signed one. */
  readonly outerAlgorithm?: Bytes
}

const ecOids = {
  sha1: '1.2.840.10045.4.1',
  sha224: '1.2.840.10045.4.3.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
}
const rsaOids = {
  sha1: '1.2.840.113549.1.1.5',
  sha224: '1.2.840.113549.1.1.14',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
}

const defaultKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A certificate, by default a good device certificate, with one thing or another wrong with it. */
export function oddCertificate(options: OddOptions = {}): Buffer {
  const keys = options.keys ?? defaultKeys
  const signer = options.by?.keys ?? keys
  const hash = options.hash ?? 'sha256'
  const isRsa = signer.privateKey.asymmetricKeyType === 'rsa'
  const algorithm = isRsa ? seq(oid(rsaOids[hash]), hex('0500')) : seq(oid(ecOids[hash]))
  const list = options.extensions ?? deviceExtensions
  const version = options.version ?? 3
  const tbs = seq(
    ...(version === 1 ? [] : [explicit(0, int(Buffer.from([version - 1])))]),
    int(options.serial ?? hex('40aa')),
    algorithm,
    options.issuer === undefined
      ? Buffer.from(options.by?.name ?? encodeName([[[cn, strings.utf8('odd')]]]))
      : encodeName(options.issuer),
    seq(
      generalizedTime(options.notBefore ?? new Date(Date.now() - day)),
      generalizedTime(options.notAfter ?? new Date(Date.now() + day)),
    ),
    encodeName(options.subject ?? plainName()),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    ...(version === 1 || list.length === 0 ? [] : [explicit(3, seq(...list.map(encodeExtension)))]),
  )
  const outer = options.outerAlgorithm ?? algorithm
  return Buffer.concat([seq(tbs, outer, bits(sign(hash, tbs, signer.privateKey))), options.trailing ?? hex('')])
}

function encodeExtension([id, critical, value]: OddExtension): Buffer {
  return seq(oid(id), ...(critical ? [hex('0101ff')] : []), octets(value))
}

/** RSA keys are slow to make: one pair for each size and run. */
export function rsaKeys(modulusLength: 1024 | 2048): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  const known = rsaCache.get(modulusLength) ?? generateKeyPairSync('rsa', { modulusLength })
  rsaCache.set(modulusLength, known)
  return known
}

const rsaCache = new Map<number, { publicKey: KeyObject; privateKey: KeyObject }>()

/** SHA-256, lower-case hex. */
export function fingerprintOf(der: Bytes): string {
  return createHash('sha256').update(der).digest('hex')
}
