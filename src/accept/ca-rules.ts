/** What a configured CA certificate must fulfil (RFC 5280 §4.2.1.3, §4.2.1.9, §6.1; docs/semantics.md 1.1, 1.3). Pure. */
import { type Problem, problem } from '../problem.ts'
import type { CaCertificate } from './ca-certificate.ts'
import { isAcceptedAlgorithm, keyWeakness } from './signature.ts'

/** A CA of the configuration and the one that signed it; a root has no parent. */
export interface ConfiguredCa {
  readonly certificate: CaCertificate
  readonly parent: ConfiguredCa | undefined
}

/** Every rule that this certificate breaks by itself. */
export function brokenCaRules(ca: CaCertificate): readonly Problem[] {
  const where = { file: ca.file }
  const problems: Problem[] = []
  if (!ca.isCa || !ca.signsCertificates) {
    const what = ca.isCa ? 'keyUsage with keyCertSign' : 'basicConstraints with CA:TRUE'
    problems.push(
      problem('config/not-a-ca', `the certificate is no CA: it has no ${what}`, {
        where,
        help: 'name the certificate of the CA, not one that it issued',
      }),
    )
  }
  const weakness =
    keyWeakness(ca.x509.publicKey) ??
    (isAcceptedAlgorithm(ca.signatureOid)
      ? undefined
      : `its signature algorithm ${ca.signatureOid} is weaker than SHA-256 or not known`)
  if (weakness !== undefined) {
    problems.push(
      problem('config/weak-ca', `the CA is too weak: ${weakness}`, {
        where,
        help: 'use a CA with P-256, P-384, P-521, Ed25519 or RSA of 2048 bits or more, signed with SHA-256 or better',
      }),
    )
  }
  for (const oid of ca.unknownCritical) {
    problems.push(
      problem('config/bad-certificate', `the CA has the critical extension ${oid}, which is not known`, { where }),
    )
  }
  return problems
}

/** Whether the certificate of `child` says that `parent` issued it, and the key of `parent` confirms it. */
export function isIssuedBy(child: CaCertificate, parent: CaCertificate): boolean {
  return child.issuerName.equals(parent.subjectName) && child.x509.verify(parent.x509.publicKey)
}

/**
 * The way from an issuing CA to the root, over other certificates of the same issuer where needed.
 * Undefined where there is none, or where a pathLenConstraint forbids it (RFC 5280 §4.2.1.9).
 */
export function chainToRoot(
  ca: CaCertificate,
  others: readonly CaCertificate[],
  root: ConfiguredCa,
): ConfiguredCa | undefined {
  if (ca.fingerprint === root.certificate.fingerprint) return root
  const path = [ca]
  let last = ca
  while (!isIssuedBy(last, root.certificate)) {
    const next = others.find(other => !path.includes(other) && isIssuedBy(last, other))
    if (next === undefined) return undefined
    path.push(next)
    last = next
  }
  // the CA at position n of the path has n CAs below it
  const permitted = [...path, root.certificate].every(
    (one, below) => one.pathLength === undefined || below <= one.pathLength,
  )
  return permitted
    ? path.reduceRight<ConfiguredCa>((parent, certificate) => ({ certificate, parent }), root)
    : undefined
}

/** The CA, then the one that signed it, up to the root. */
export function pathOf(ca: ConfiguredCa): readonly ConfiguredCa[] {
  const path: ConfiguredCa[] = []
  for (let one: ConfiguredCa | undefined = ca; one !== undefined; one = one.parent) path.push(one)
  return path
}

/** Why this CA cannot be used at this time; undefined where it is within its validity (RFC 5280 §4.1.2.5, no tolerance). */
export function outsideValidity(ca: CaCertificate, nowMs: number): string | undefined {
  if (nowMs > ca.notAfter) return `ended ${new Date(ca.notAfter).toISOString()}`
  if (nowMs < ca.notBefore) return `begins only ${new Date(ca.notBefore).toISOString()}`
  return undefined
}

/**
 * Two CAs of one name must be told apart by their subject key identifier (docs/semantics.md 1.1): OpenSSL picks the issuer
 * of a leaf by name and key identifier, and would try one of them only.
 */
export function ambiguousCas(cas: readonly CaCertificate[]): readonly Problem[] {
  const byName = new Map<string, CaCertificate[]>()
  for (const ca of new Map(cas.map(one => [one.fingerprint, one])).values()) {
    const name = ca.subjectName.toString('hex')
    byName.set(name, [...(byName.get(name) ?? []), ca])
  }
  return [...byName.values()].flatMap(same =>
    same.flatMap((ca, index) => ambiguity(ca, same.slice(0, index), same.length) ?? []),
  )
}

function ambiguity(ca: CaCertificate, before: readonly CaCertificate[], count: number): Problem | undefined {
  const where = { file: ca.file }
  const { subjectKeyId } = ca
  if (subjectKeyId === undefined) {
    if (count === 1) return undefined
    const help = 'have it issued again with a subjectKeyIdentifier'
    return problem('config/ambiguous-ca', 'another CA has the same name, and this one has no subject key identifier', {
      where,
      help,
    })
  }
  const other = before.find(one => one.subjectKeyId?.equals(subjectKeyId))
  if (other === undefined) return undefined
  const help = 'keep one of the two, or have one issued again with another key'
  return problem('config/ambiguous-ca', `the CA has the name and the subject key identifier of ${other.file}`, {
    where,
    help,
  })
}
