/**
 * What a certificate would be to the gate: the same steps as a CONNECT (certificate rules, identity, client id, rights), asked
 * before the certificate exists. Whatever they refuse is not issued.
 */
import type { Certificate } from '../authenticate/certificate.ts'
import { type IssuerConfinement, identify } from '../authenticate/identify.ts'
import { checkCertificate } from '../authenticate/rules.ts'
import { expectedClientIds } from '../bind/client-id.ts'
import { rightsFor } from '../decide/rights-for.ts'
import { expandFilter } from '../policy/filter-template.ts'
import { identityText } from '../policy/identity-text.ts'
import { matchIdentity } from '../policy/match-identity.ts'
import type { MappedIdentity, PolicySet, RightsHolder, Rule } from '../policy/model.ts'
import { fail, ok, problem, type Result } from '../problem.ts'

/** The authority as the configuration knows it. */
export interface KnownIssuer {
  readonly name: string
  readonly only: IssuerConfinement
}

/** One rule with the values of this device filled in. */
export interface ExpandedRule {
  readonly rule: Rule
  readonly filters: readonly string[]
}

export interface Entitlement {
  readonly identity: MappedIdentity
  /** `device:site=s1,device=pump-7`. */
  readonly identityText: string
  /** `+` stands for the part that the client chooses. */
  readonly clientIds: readonly string[]
  readonly roles: readonly string[]
  readonly rules: readonly ExpandedRule[]
}

/** Undefined `issuer`: any configured one is assumed. */
export function entitlementOf(
  set: PolicySet,
  certificate: Certificate,
  issuer: KnownIssuer | undefined,
  nowMs: number,
): Result<Entitlement> {
  const checked = checkCertificate(certificate, nowMs)
  if (!checked.ok) return checked
  const identity =
    issuer === undefined
      ? matchIdentity(set, { issuer: undefined, values: certificate.values })
      : identify(set, certificate, issuer.name, issuer.only)
  return identity.ok ? rightsOf(set, identity.value) : identity
}

function rightsOf(set: PolicySet, identity: MappedIdentity): Result<Entitlement> {
  // any safe text stands for the part that the client chooses
  const bound = rightsFor(set, identity, expectedClientIds(set, identity, 'x')[0] ?? '')
  if (!bound.ok) return bound
  const { holder } = bound.value
  const rules = expandedRules(set, holder)
  if (!rules.some(({ rule }) => rule.effect === 'allow')) {
    return fail(
      problem('provision/no-rights', `no rule of the policy lets ${identityText(identity)} do anything`, {
        where: set.identities.get(identity.kind)?.where,
        help: 'give the identity a role with an allow rule, or add a row of members',
      }),
    )
  }
  const { roles } = holder
  const clientIds = expectedClientIds(set, identity, '+')
  return ok({ identity, identityText: identityText(identity), clientIds, roles, rules })
}

function expandedRules(set: PolicySet, { roles, variables }: RightsHolder): readonly ExpandedRule[] {
  const rules = roles.flatMap(role => set.roles.get(role)?.rules ?? [])
  return rules
    .map(rule => ({ rule, filters: rule.filters.flatMap(filter => expandFilter(filter, variables)) }))
    .filter(({ filters }) => filters.length > 0)
}
