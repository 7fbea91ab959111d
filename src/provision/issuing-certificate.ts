/**
 * A certificate for an issuing CA that came from the root's machine, read strictly and judged before it is installed: one
 * PEM block, no extension that would confine or forbid what the CA issues, and nothing that OpenSSL would see otherwise.
 */
import { X509Certificate } from 'node:crypto'
import { readCaCertificate } from '../accept/ca-certificate.ts'
import { brokenCaRules } from '../accept/ca-rules.ts'
import { DerReader, tag } from '../accept/der.ts'
import { type Certificate, parseCertificate } from '../authenticate/certificate.ts'
import { takeExtensionList } from '../authenticate/extensions.ts'
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { toPem } from './keys.ts'

/** What the certificate must be for. */
export interface ExpectedIssuing {
  /** The root that must have signed it: PEM, and as it was read. */
  readonly rootPem: string
  readonly root: Certificate
  /** SubjectPublicKeyInfo and subject that it must have, as DER. */
  readonly spki: Uint8Array
  readonly subjectName: Uint8Array
  /** What everything signed before names as its issuer's key. */
  readonly keyId: Uint8Array
  /** It must not begin or end before this one. */
  readonly present?: Certificate | undefined
  readonly now: Date
}

const maxBytes = 64 * 1024
const block = /^\s*-----BEGIN CERTIFICATE-----\r?\n((?:[A-Za-z0-9+/]{1,76}={0,2}\r?\n)+)-----END CERTIFICATE-----\s*$/

export interface IssuingAnswer {
  readonly certificate: Certificate
  readonly pem: string
}

/** Reads and judges it. Total: whatever the octets are, it returns a value or a problem. */
export function readIssuingAnswer(bytes: Buffer, expected: ExpectedIssuing): Result<IssuingAnswer> {
  const [, body] = bytes.length > maxBytes ? [] : (block.exec(bytes.toString('latin1')) ?? [])
  if (body === undefined) return fail(bad('it is not one block -----BEGIN CERTIFICATE----- and nothing else'))
  const parsed = parseCertificate(Buffer.from(body, 'base64'))
  if (!parsed.ok) return fail(bad(parsed.problem.sentence))
  const { value: certificate } = parsed
  const pem = toPem('CERTIFICATE', certificate.der)
  const reason = mistake(certificate, expected) ?? validityMistake(certificate, expected) ?? gateMistake(pem)
  return reason === undefined ? ok({ certificate, pem }) : fail(bad(reason))
}

/** Extensions that leave everything the CA issues as it was: the four of our profile, and where things are published. */
const harmless: ReadonlyMap<string, string> = new Map([
  ['2.5.29.14', 'subjectKeyIdentifier'],
  ['2.5.29.15', 'keyUsage'],
  ['2.5.29.19', 'basicConstraints'],
  ['2.5.29.31', 'cRLDistributionPoints'],
  ['2.5.29.35', 'authorityKeyIdentifier'],
  ['1.3.6.1.5.5.7.1.1', 'authorityInfoAccess'],
])
const mustBeCritical = ['2.5.29.15', '2.5.29.19']

/** RFC 5280 §4.2.1.9, §4.2.1.3, §4.2.1.1 and §4.2.1.2. */
function mistake(
  certificate: Certificate,
  { root, rootPem, spki, subjectName, keyId }: ExpectedIssuing,
): string | undefined {
  const { basicConstraints, keyUsage, subjectKeyId, authorityKeyId } = certificate
  if (!equal(certificate.publicKey.der, spki)) return 'it is for another key'
  if (!equal(certificate.subjectName, subjectName))
    return `its subject is ${certificate.subjectText}, not the one asked for`
  if (!equal(certificate.issuerName, root.subjectName))
    return `it was issued by ${certificate.issuerText}, not by the root`
  if (!isSignedBy(certificate, rootPem)) return 'the root of this authority did not sign it'
  if (basicConstraints?.ca !== true) return 'it is no CA: its basicConstraints do not say CA:TRUE'
  if (basicConstraints.pathLength !== 0) return 'its pathLenConstraint is not 0, so that CAs might stand below it'
  if (keyUsage?.has('keyCertSign') !== true || !keyUsage.has('cRLSign') || keyUsage.size !== 2)
    return 'its keyUsage is not keyCertSign and cRLSign'
  if (subjectKeyId === undefined || !equal(subjectKeyId, keyId))
    return 'its subject key identifier is not the one that issued certificates name'
  if (authorityKeyId === undefined || !equal(authorityKeyId, root.subjectKeyId ?? new Uint8Array()))
    return 'its authority key identifier is not that of the root'
  return extensionMistake(certificate)
}

function extensionMistake({ der }: Certificate): string | undefined {
  const extensions = extensionsOf(der)
  const [twice] = extensions.filter(({ oid }, index) => extensions.findIndex(one => one.oid === oid) !== index)
  if (twice !== undefined) return `it has the extension ${twice.oid} twice`
  const confining = extensions.find(({ oid }) => !harmless.has(oid))
  if (confining !== undefined) return `it has the extension ${confining.oid}, which may confine what the CA can issue`
  const lenient = extensions.find(({ oid, critical }) => mustBeCritical.includes(oid) && !critical)
  return lenient === undefined ? undefined : `its ${harmless.get(lenient.oid)} is not critical`
}

/** The certificate was read whole before, so that every part is where it belongs. */
function extensionsOf(der: Uint8Array): ReturnType<typeof takeExtensionList> {
  const tbs = new DerReader(Buffer.from(der)).peekInside(tag.sequence).peekInside(tag.sequence)
  tbs.takeOptional(tag.context(0))
  tbs.take(tag.integer)
  for (let part = 0; part < 5; part++) tbs.take(tag.sequence)
  return tbs.insideOptional(tag.context(3), takeExtensionList) ?? []
}

function isSignedBy(certificate: Certificate, rootPem: string): boolean {
  const [x509, root] = [new X509Certificate(certificate.der), new X509Certificate(rootPem)]
  return x509.checkIssued(root) && x509.verify(root.publicKey)
}

/** What would stop a gate that has it in its configuration, such as a signature with SHA-1. */
function gateMistake(pem: string): string | undefined {
  const read = readCaCertificate(pem, '')
  return read.ok ? brokenCaRules(read.value)[0]?.sentence : read.problem.sentence
}

function validityMistake(
  { notBefore, notAfter }: Certificate,
  { root, present, now }: ExpectedIssuing,
): string | undefined {
  const nowMs = now.getTime()
  if (notBefore > nowMs) return `it begins only ${timeText(notBefore)}`
  if (notAfter <= nowMs) return `it ended ${timeText(notAfter)}`
  if (notAfter > root.notAfter) return `it would outlive the root, which ends ${timeText(root.notAfter)}`
  if (present === undefined) return undefined
  if (notBefore < present.notBefore) return 'it is older than the present one'
  return notAfter < present.notAfter
    ? `it ends before the present one, which ends ${timeText(present.notAfter)}`
    : undefined
}

const timeText = (ms: number): string => new Date(ms).toISOString()

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

function bad(reason: string): Problem {
  return problem('provision/bad-answer', `the certificate cannot be installed: ${reason}`, {
    help: 'nothing was changed; sign the request again on the machine of the root: portcullis ca sign-issuing',
  })
}
