/**
 * Plans a device certificate: its names come from the policy set, and everything that could refuse it is asked first, on a
 * draft without a signature. What is planned is issued by `issue-leaf.ts`.
 */
import type { KeyObject } from 'node:crypto'
import { parseCertificate } from '../authenticate/certificate.ts'
import { identityText } from '../policy/identity-text.ts'
import type { MappedIdentity, PolicySet } from '../policy/model.ts'
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { createSerial, draftLeaf, notBeforeOf } from './authority.ts'
import { endAfter, type OpenCa, requireValid } from './ca-folder.ts'
import { type Entitlement, entitlementOf, type KnownIssuer } from './entitlement.ts'
import { type CertificateNames, namesFor } from './identity-names.ts'
import type { LeafPlan } from './issue-leaf.ts'
import { keyHashOf } from './keys.ts'

export interface DeviceRequest {
  readonly set: PolicySet
  readonly issuer: KnownIssuer | undefined
  readonly identity: MappedIdentity
  readonly name: string
  readonly publicKey: KeyObject
  readonly days: number
}

/** A certificate that the policy takes. */
export interface DevicePlan extends LeafPlan {
  readonly entitlement: Entitlement
}

/** What the gate would make of the certificate; refused where it would refuse. */
export function planDevice(ca: OpenCa, request: DeviceRequest): Result<DevicePlan> {
  requireValid(ca)
  const { set, identity, name, publicKey } = request
  const rule = set.identities.get(identity.kind)
  if (rule === undefined) {
    return fail(problem('provision/unknown-identity', `the policy has no identity \`${identity.kind}\``))
  }
  const names = namesFor(rule, identity, name)
  if (!names.ok) return names
  const now = ca.now()
  const validity = { notBefore: notBeforeOf(now), notAfter: endAfter(now, request.days) }
  const entitlement = tryOut(ca, request, names.value, validity)
  if (!entitlement.ok) return entitlement
  const wanted = identityText(identity)
  if (entitlement.value.identityText !== wanted) {
    return fail(
      refusedByPolicy(
        name,
        problem('authenticate/no-identity', `it would be ${entitlement.value.identityText}, not ${wanted}`),
      ),
    )
  }
  const unique = rule.unique.map(capture => `${capture}=${identity.captures.get(capture)}`)
  const holds = [
    `identity ${wanted}`,
    ...(unique.length === 0 ? [] : [`unique ${identity.kind}:${unique.join(',')}`]),
    ...entitlement.value.clientIds.map(id => `client-id ${id}`),
    keyHold(publicKey),
  ]
  return ok({
    profile: 'device',
    name,
    ...names.value,
    ...validity,
    publicKey,
    identity: wanted,
    clientIds: entitlement.value.clientIds,
    holds,
    entitlement: entitlement.value,
  })
}

function keyHold(publicKey: KeyObject): string {
  return `key ${keyHashOf(publicKey)}`
}

/** The same plan for another key: what the gate makes of a certificate does not depend on it. */
export function withKey<T extends LeafPlan>(plan: T, publicKey: KeyObject): T {
  const holds = plan.holds.filter(hold => hold !== keyHold(plan.publicKey))
  return { ...plan, publicKey, holds: [...holds, keyHold(publicKey)] }
}

/** The certificate as it will be, but for serial and signature; it never leaves this function. */
function tryOut(
  ca: OpenCa,
  { set, issuer, name, publicKey }: DeviceRequest,
  names: CertificateNames,
  validity: { readonly notBefore: Date; readonly notAfter: Date },
): Result<Entitlement> {
  const draft = draftLeaf(ca.authority, {
    profile: 'device',
    ...names,
    ...validity,
    publicKey,
    serialHex: createSerial(),
  })
  const parsed = parseCertificate(draft)
  const result = parsed.ok ? entitlementOf(set, parsed.value, issuer, ca.now().getTime()) : parsed
  if (result.ok || result.problem.code === 'provision/no-rights') return result
  return fail(refusedByPolicy(name, result.problem))
}

function refusedByPolicy(name: string, { code, sentence, where, help }: Problem): Problem {
  return problem('provision/policy-refuses', `the policy would refuse ${name}: ${sentence} (${code})`, { where, help })
}
