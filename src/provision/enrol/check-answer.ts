/** What a device makes of an answer before it believes it: its own key, the names it asked for, and a chain to the root it was given. */
import { type KeyObject, X509Certificate } from 'node:crypto'
import { parseCertificate } from '../../authenticate/certificate.ts'
import { checkCertificate } from '../../authenticate/rules.ts'
import { fail, ok, type Problem, problem, type Result } from '../../problem.ts'
import { type RawNames, rawNamesOf } from './certificate-names.ts'
import { readCertsOnly } from './certs-only.ts'
import type { EstReply } from './est-client.ts'

/** What the certificate must be. */
export interface ExpectedCertificate {
  readonly publicKey: KeyObject
  /** One of its names has this in it. */
  readonly name: string
  /** Those of the certificate before it; undefined for a first one. */
  readonly names: RawNames | undefined
  readonly rootPem: string
  readonly now: Date
}

export interface CheckedCertificate {
  readonly leaf: X509Certificate
  readonly issuing: X509Certificate
}

/** `enrolled` is the answer to the request, `cacerts` that of the route of this name. */
export function checkAnswer(
  enrolled: EstReply,
  cacerts: EstReply,
  expected: ExpectedCertificate,
): Result<CheckedCertificate> {
  const [leaf, ...more] = certificatesIn(enrolled)
  if (leaf === undefined || more.length > 0) return fail(bad('it holds no single certificate'))
  if (!leaf.publicKey.equals(expected.publicKey)) return fail(bad('the certificate is for another key'))
  const root = new X509Certificate(expected.rootPem)
  const issuing = certificatesIn(cacerts).find(ca => isIssuedBy(leaf, ca))
  if (issuing === undefined || !isIssuedBy(issuing, root) || !isIssuedBy(root, root)) {
    return fail(bad('the certificate does not chain to the root given'))
  }
  const parsed = parseCertificate(leaf.raw)
  if (!parsed.ok) return parsed
  const nowMs = expected.now.getTime()
  if ([issuing, root].some(ca => nowMs < Date.parse(ca.validFrom) || nowMs > Date.parse(ca.validTo))) {
    return fail(bad('its authority is not valid now, or the clock here is wrong'))
  }
  const rules = checkCertificate(parsed.value, nowMs)
  if (!rules.ok) return rules
  return hasNames(leaf.raw, expected)
    ? ok({ leaf, issuing })
    : fail(bad(`the certificate is for ${parsed.value.subjectText}`))
}

function certificatesIn({ type, body }: EstReply): readonly X509Certificate[] {
  if (type !== 'application/pkcs7-mime') return []
  try {
    return readCertsOnly(Buffer.from(body.toString('latin1'), 'base64')).map(der => new X509Certificate(der))
  } catch {
    return []
  }
}

function isIssuedBy(one: X509Certificate, ca: X509Certificate): boolean {
  return ca.ca && one.checkIssued(ca) && one.verify(ca.publicKey)
}

function hasNames(der: Buffer, { name, names }: ExpectedCertificate): boolean {
  const given = rawNamesOf(der)
  if (names !== undefined) {
    const [before, after] = [names.alternativeNames, given.alternativeNames]
    const isSame = before === undefined ? after === undefined : after !== undefined && before.equals(after)
    return isSame && names.subjectName.equals(given.subjectName)
  }
  const parsed = parseCertificate(der)
  const values = parsed.ok ? [...parsed.value.values] : []
  return values
    .filter(([field]) => field.startsWith('subject.') || field.startsWith('san.'))
    .some(([, all]) => all.some(({ text }) => [...text.split(/[^\w.-]/), ...text.split(/[^\w.:-]/)].includes(name)))
}

function bad(reason: string): Problem {
  return problem('provision/bad-response', `the answer of the service cannot be used: ${reason}`)
}
