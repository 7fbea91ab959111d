/**
 * Who asks for a certificate: a device with a token, or one with a certificate of this authority. Both are judged as the gate
 * judges (docs/semantics.md 1), and by the ledger, which knows of a revocation before any CRL does.
 */

import type { KeyObject } from 'node:crypto'
import type { Peer } from '../../accept/peer.ts'
import type { Authenticator } from '../../authenticate/authenticator.ts'
import { identify } from '../../authenticate/identify.ts'
import { identityText } from '../../policy/identity-text.ts'
import type { MappedIdentity } from '../../policy/model.ts'
import { fail, ok, type Problem, problem, type Result } from '../../problem.ts'
import type { OpenCa } from '../ca-folder.ts'
import type { LedgerRecord } from '../ledger-record.ts'
import { basicCredentials } from './basic-credentials.ts'
import type { EnrolPolicy } from './issue-token.ts'
import { verifyToken } from './token.ts'

export interface Applicant {
  readonly name: string
  readonly identity: MappedIdentity
  /** Id of its token. */
  readonly token?: string
  /** Its certificate. */
  readonly current?: LedgerRecord
}

/** By HTTP Basic: the user is the device, the password its token. */
export async function applicantByToken(
  ca: OpenCa,
  key: KeyObject,
  authorization: string | undefined,
): Promise<Result<Applicant>> {
  const given = basicCredentials(authorization)
  if (given === undefined) return fail(badToken('the request has no user and password (HTTP Basic): name and token'))
  const verified = await verifyToken(given.token, { key, audience: ca.issuerKeyId, now: ca.now() })
  if (!verified.ok) return verified
  const { jti, name, identity } = verified.value
  if (name !== given.name) return fail(badToken('the token is for another device'))
  const objection = ca.ledger.tokens.objection(jti)
  return objection === undefined ? ok({ name, identity, token: jti }) : fail(objection)
}

function badToken(sentence: string): Problem {
  return problem('provision/bad-token', sentence)
}

/** By a certificate: good now, known to the ledger as in force, and still the same device to the policy. */
export function applicantByCertificate(
  ca: OpenCa,
  authenticator: Authenticator,
  { set, issuer }: EnrolPolicy,
  peer: Peer,
): Result<Applicant> {
  const authenticated = authenticator.authenticate(peer)
  if (!authenticated.ok) return authenticated
  const { certificate } = authenticated.value
  // of whichever issuing CA: after a rotation a device comes with what the older one signed
  const isOurs = ({ issuerKeyId }: LedgerRecord): boolean =>
    ca.issuingCas.some(issuing => issuing.issuerKeyId === issuerKeyId)
  const record = ca.ledger
    .ofSerial(certificate.serial)
    .find(one => isOurs(one) && one.der?.equals(certificate.der) === true)
  if (record === undefined) {
    return fail(problem('provision/unknown-certificate', 'the ledger does not know the certificate'))
  }
  if (record.state !== 'issued' || record.profile !== 'device') {
    return fail(problem('provision/not-in-force', `the certificate is ${record.state}, for a ${record.profile}`))
  }
  const identity = identify(set, certificate, issuer?.name ?? ca.name, issuer?.only)
  if (!identity.ok) return identity
  if (identityText(identity.value) !== record.identity) {
    const sentence = `the policy takes it for ${identityText(identity.value)} now, and it was issued for ${record.identity}`
    return fail(problem('provision/policy-refuses', sentence))
  }
  return ok({ name: record.name, identity: identity.value, current: record })
}
