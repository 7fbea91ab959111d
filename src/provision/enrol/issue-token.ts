/** Makes an enrolment token: the policy is asked as for a certificate, the ledger records it, and only then is it handed out. */
import { randomBytes } from 'node:crypto'
import { identityText } from '../../policy/identity-text.ts'
import type { MappedIdentity, PolicySet } from '../../policy/model.ts'
import { fail, ok, problem, type Result } from '../../problem.ts'
import type { OpenCa } from '../ca-folder.ts'
import type { KnownIssuer } from '../entitlement.ts'
import { createKeys, type KeyPair } from '../keys.ts'
import { planDevice } from '../plan-device.ts'
import { signToken, type TokenClaims } from './token.ts'

/** The policy in force, and what the authority is called in it. */
export interface EnrolPolicy {
  readonly set: PolicySet
  readonly issuer: KnownIssuer | undefined
}

export interface TokenWish {
  readonly policy: EnrolPolicy
  readonly identity: MappedIdentity
  readonly name: string
  readonly validMs: number
}

export interface IssuedToken {
  readonly token: string
  readonly claims: TokenClaims
}

/**
 * A token for a device that `device issue` would give a certificate now; refused where it would refuse. Whether the name is
 * still free is decided again when the token is used.
 */
export async function issueToken(
  ca: OpenCa,
  key: KeyPair,
  wish: TokenWish,
  random: (size: number) => Buffer = randomBytes,
): Promise<Result<IssuedToken>> {
  const { identity, name } = wish
  // the device's own key is not known yet: any will do
  const plan = planDevice(ca, { ...wish.policy, identity, name, publicKey: createKeys().publicKey, days: 1 })
  if (!plan.ok) return plan
  const issuedAt = ca.now()
  const holder = ca.ledger
    .ofName(name)
    .find(one => one.identity === identityText(identity) && one.state === 'issued' && one.notAfter >= issuedAt)
  if (holder !== undefined) {
    const sentence = `${name} has a certificate already, serial ${holder.serialHex}, until ${holder.notAfter.toISOString()}`
    const help = `it renews itself with that; where its key is lost: portcullis device revoke ${name}`
    return fail(problem('provision/taken', sentence, { help }))
  }
  const expires = new Date(Math.floor((issuedAt.getTime() + wish.validMs) / 1000) * 1000)
  const jti = random(16).toString('hex')
  const claims = { jti, name, identity, audience: ca.issuerKeyId, issuedAt, expires }
  const token = await signToken(key.privateKey, claims)
  ca.ledger.tokens.add({ jti, issuerKeyId: ca.issuerKeyId, name, identity: identityText(identity), expires })
  return ok({ token, claims })
}
