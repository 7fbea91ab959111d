/** Certificate × policy set → identity. The rules of matching are in `policy/match-identity.ts`; this fills the table. */
import { matchIdentity } from '../policy/match-identity.ts'
import type { FieldTable, MappedIdentity, PolicySet } from '../policy/model.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import type { Certificate } from './certificate.ts'

/** `only:` of an issuer: capture → the values that this issuer may say. */
export type IssuerConfinement = ReadonlyMap<string, readonly string[]>

/** The certificate as identities see it. `issuerName` is the configured name, never one that the certificate claims. */
export function fieldTableOf(certificate: Certificate, issuerName: string): FieldTable {
  return { issuer: issuerName, values: certificate.values }
}

/**
 * Who this certificate is. Exactly one identity, or a refusal that says why (SEMANTICS 1.4). The certificate's own
 * rules and its issuer's signature are checked before.
 */
export function identify(
  set: PolicySet,
  certificate: Certificate,
  issuerName: string,
  only: IssuerConfinement = new Map(),
): Result<MappedIdentity> {
  const matched = matchIdentity(set, fieldTableOf(certificate, issuerName))
  return matched.ok ? confine(matched.value, issuerName, only) : matched
}

/** SEMANTICS 1.1: a capture outside `only` refuses; an identity without that capture is not touched by it. */
function confine(identity: MappedIdentity, issuerName: string, only: IssuerConfinement): Result<MappedIdentity> {
  for (const [capture, allowed] of only) {
    const value = identity.captures.get(capture)
    if (value === undefined || allowed.includes(value)) continue
    const sentence = `the issuer ${issuerName} may not certify ${capture} ${value}, only ${allowed.join(', ') || 'none'}`
    return fail(problem('authenticate/outside-issuer', sentence))
  }
  return ok(identity)
}
