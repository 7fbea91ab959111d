/**
 * The fields of a certificate that trust depends on before it is known whose it is: names as DER, key, the extensions that
 * make a CA (RFC 5280 §4.2.1). Leaves are parsed in full by `authenticate/`; here only their issuer is asked for.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { fail, ok, problem, type Result } from '../problem.ts'
import { DerError, DerReader, readOnly, tag } from './der.ts'
import {
  type DerExtension,
  readBasicConstraints,
  readExtensions,
  readKeyUsage,
  readSubjectKeyId,
} from './der-structures.ts'
import { integerHex, smallInteger, takeTime, wholeOctets } from './der-values.ts'
import { requireSameAlgorithm } from './signature.ts'

export interface CaCertificate {
  /** Where it was read from, as the configuration names it. */
  readonly file: string
  readonly x509: X509Certificate
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string
  /** SHA-256 of its SubjectPublicKeyInfo, lower-case hex: what revocations are keyed by. */
  readonly keyId: string
  readonly subjectName: Buffer
  readonly issuerName: Buffer
  readonly serialHex: string
  /** Milliseconds since 1970. */
  readonly notBefore: number
  readonly notAfter: number
  readonly signatureOid: string
  readonly subjectKeyId: Buffer | undefined
  /** cA of basicConstraints (§4.2.1.9), and how many CAs may stand below. */
  readonly isCa: boolean
  readonly pathLength: number | undefined
  /** keyCertSign and cRLSign of keyUsage (§4.2.1.3). */
  readonly signsCertificates: boolean
  readonly signsCrls: boolean
  /** Critical extensions that neither this module nor OpenSSL's path validation processes. */
  readonly unknownCritical: readonly string[]
}

const oids = { subjectKeyId: '2.5.29.14', keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19' } as const

/** Also processed, by OpenSSL in the handshake: SAN, name constraints, policies and their mappings and constraints, EKU, inhibitAnyPolicy. */
const processed: ReadonlySet<string> = new Set([
  ...Object.values(oids),
  '2.5.29.17',
  '2.5.29.30',
  '2.5.29.32',
  '2.5.29.33',
  '2.5.29.36',
  '2.5.29.37',
  '2.5.29.54',
])

/** Reads a CA certificate. Only what is not a certificate is refused here; whether it may be a CA is for `issuers.ts`. */
export function readCaCertificate(pem: string, file: string): Result<CaCertificate> {
  const blocks = pem.split('-----BEGIN CERTIFICATE-----').length - 1
  if (blocks > 1) {
    const help = 'give every CA a file of its own, and name each under `certificates:` or `root:`'
    return fail(
      problem('config/bad-certificate', `the file holds ${blocks} certificates, not one`, { where: { file }, help }),
    )
  }
  try {
    const x509 = new X509Certificate(pem)
    return ok({ file, x509, ...fingerprints(x509), ...readCertificate(x509.raw) })
  } catch (error) {
    const reason = error instanceof DerError ? error.message : 'OpenSSL cannot read it'
    return fail(
      problem('config/bad-certificate', `the file is not a certificate in PEM: ${reason}`, {
        where: { file },
        help: 'a PEM file begins with -----BEGIN CERTIFICATE-----',
      }),
    )
  }
}

/** Name of the issuer of a certificate, as DER, without a look at the rest; undefined where the bytes are no certificate. */
export function issuerNameOf(der: Buffer): Buffer | undefined {
  try {
    const tbs = new DerReader(der).peekInside(tag.sequence).peekInside(tag.sequence)
    tbs.takeOptional(tag.context(0))
    tbs.take(tag.integer)
    tbs.take(tag.sequence)
    return tbs.takeWhole(tag.sequence)
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

function fingerprints(x509: X509Certificate): Pick<CaCertificate, 'fingerprint' | 'keyId'> {
  const spki = x509.publicKey.export({ type: 'spki', format: 'der' })
  return { fingerprint: sha256(x509.raw), keyId: sha256(spki) }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

type Fields = Omit<CaCertificate, 'file' | 'x509' | 'fingerprint' | 'keyId'>

/** Certificate (RFC 5280 §4.1). */
function readCertificate(der: Buffer): Fields {
  return readOnly(der, tag.sequence, certificate => {
    const tbs = certificate.takeWhole(tag.sequence)
    const outerAlgorithm = certificate.takeWhole(tag.sequence)
    wholeOctets(certificate.take(tag.bitString))
    return readOnly(tbs, tag.sequence, contents => readTbs(contents, outerAlgorithm))
  })
}

/** TBSCertificate (RFC 5280 §4.1). */
function readTbs(tbs: DerReader, outerAlgorithm: Buffer): Fields {
  if (tbs.inside(tag.context(0), version => smallInteger(version.take(tag.integer))) !== 2)
    throw new DerError('it is not of X.509 version 3')
  const serialHex = integerHex(tbs.take(tag.integer))
  const signatureOid = requireSameAlgorithm(tbs.takeWhole(tag.sequence), outerAlgorithm)
  const issuerName = tbs.takeWhole(tag.sequence)
  const validity = tbs.inside(tag.sequence, times => ({ notBefore: takeTime(times), notAfter: takeTime(times) }))
  const subjectName = tbs.takeWhole(tag.sequence)
  tbs.take(tag.sequence)
  const extensions = tbs.insideOptional(tag.context(3), wrapper => wrapper.inside(tag.sequence, readExtensions))
  return {
    serialHex,
    signatureOid,
    issuerName,
    ...validity,
    subjectName,
    ...readCaExtensions(extensions ?? new Map<string, DerExtension>()),
  }
}

function readCaExtensions(
  extensions: ReadonlyMap<string, DerExtension>,
): Pick<CaCertificate, 'subjectKeyId' | 'isCa' | 'pathLength' | 'signsCertificates' | 'signsCrls' | 'unknownCritical'> {
  const keyId = extensions.get(oids.subjectKeyId)
  const usage = extensions.get(oids.keyUsage)
  const constraints = extensions.get(oids.basicConstraints)
  const { ca, pathLength } = constraints === undefined ? noConstraints : readBasicConstraints(constraints.value)
  // §4.2.1.3: keyCertSign is bit 5 and cRLSign bit 6 of the first octet
  const bits = usage === undefined ? 0 : (readKeyUsage(usage.value)[0] ?? 0)
  return {
    subjectKeyId: keyId === undefined ? undefined : readSubjectKeyId(keyId.value),
    isCa: ca,
    pathLength,
    signsCertificates: (bits & 0x04) !== 0,
    signsCrls: (bits & 0x02) !== 0,
    unknownCritical: [...extensions.values()]
      .filter(({ critical, oid }) => critical && !processed.has(oid))
      .map(({ oid }) => oid),
  }
}

const noConstraints = { ca: false, pathLength: undefined } as const
