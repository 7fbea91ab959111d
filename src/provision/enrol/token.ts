/**
 * Enrolment tokens: a JWS in compact form (RFC 7515 §3.1) with a closed set of claims (RFC 7519), signed by EdDSA and nothing else.
 * One names one device of one authority, and ends. That it is used once is the ledger's to say.
 */
import type { KeyObject } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { MappedIdentity } from '../../policy/model.ts'
import { fail, ok, problem, type Result } from '../../problem.ts'

/** What a token says. */
export interface TokenClaims {
  /** 128 random bits, hex. */
  readonly jti: string
  /** Name of the device. */
  readonly name: string
  readonly identity: MappedIdentity
  /** SHA-256 of the issuing public key of the one authority that takes it, hex. */
  readonly audience: string
  readonly issuedAt: Date
  readonly expires: Date
}

const algorithm = 'EdDSA'
/** RFC 8725 §3.11: no JWT for another purpose is taken for a token. */
const type = 'portcullis-enroll+jwt'
/** The token begins this much before it was made, since a clock may be corrected; nothing is tolerated beyond that. */
const backdatedSeconds = 30
const claimNames = ['aud', 'captures', 'exp', 'iat', 'identity', 'jti', 'nbf', 'sub']

/** Signs a token. @example const token = await signToken(key.privateKey, claims) */
export function signToken(key: KeyObject, claims: TokenClaims): Promise<string> {
  const issued = seconds(claims.issuedAt)
  const { kind, captures } = claims.identity
  return new SignJWT({ identity: kind, captures: Object.fromEntries(captures) })
    .setProtectedHeader({ alg: algorithm, typ: type })
    .setJti(claims.jti)
    .setSubject(claims.name)
    .setAudience(claims.audience)
    .setIssuedAt(issued)
    .setNotBefore(issued - backdatedSeconds)
    .setExpirationTime(seconds(claims.expires))
    .sign(key)
}

/**
 * What a token says, once its signature, algorithm, type, audience and time are right; `provision/bad-token` otherwise, with a
 * sentence that tells a stranger nothing.
 */
export async function verifyToken(
  token: string,
  expected: { readonly key: KeyObject; readonly audience: string; readonly now: Date },
): Promise<Result<TokenClaims>> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, expected.key, {
      algorithms: [algorithm],
      typ: type,
      audience: expected.audience,
      clockTolerance: 0,
      currentDate: expected.now,
      requiredClaims: claimNames,
    })
    // no `crit`, `kid`, `jwk` or `x5c`: nothing of the header but what is always there
    const claims = Object.keys(protectedHeader).length === 2 ? readClaims(payload) : undefined
    return claims === undefined ? fail(bad('it says what no token says')) : ok(claims)
  } catch (error) {
    return fail(bad(reasonOf(error)))
  }
}

function readClaims(payload: Readonly<Record<string, unknown>>): TokenClaims | undefined {
  const { aud, captures, exp, iat, identity, jti, sub } = payload
  const isClosed = Object.keys(payload).sort().join() === claimNames.join()
  const texts = isRecord(captures) ? Object.entries(captures).filter(isText) : undefined
  if (!isClosed || texts === undefined || texts.length !== Object.keys(captures as object).length) return undefined
  if (typeof aud !== 'string' || typeof identity !== 'string' || typeof sub !== 'string') return undefined
  if (typeof exp !== 'number' || typeof iat !== 'number') return undefined
  if (typeof jti !== 'string' || !/^[0-9a-f]{32}$/.test(jti)) return undefined
  const [issuedAt, expires] = [new Date(iat * 1000), new Date(exp * 1000)]
  return { jti, name: sub, identity: { kind: identity, captures: new Map(texts) }, audience: aud, issuedAt, expires }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string'
}

/** jose says expired and not yet valid only once the signature was right. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf') return 'it is not valid yet'
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') return 'it is for another authority'
  if (error instanceof errors.JOSEError) return 'this authority did not sign it'
  throw error
}

function bad(reason: string) {
  return problem('provision/bad-token', `the token is not good: ${reason}`, {
    help: 'make another one: portcullis enroll token',
  })
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
