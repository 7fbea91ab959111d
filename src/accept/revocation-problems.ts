/** Sentences about CRLs and revoked certificates. */
import { type Problem, problem } from '../problem.ts'
import type { Crl, RevokedEntry } from './crl.ts'
import type { Issuers } from './issuers.ts'

/** A CRL file that was not taken over. */
export interface Rejection {
  readonly issuer: string
  readonly problem: Problem
}

export function noGoodCrl({ issuer, problem: p }: Rejection): Problem {
  const sentence = `issuer \`${issuer}\` has no good CRL to start with: ${p.sentence} (${p.code})`
  return problem('config/no-good-crl', sentence, { where: p.where, help: p.help })
}

export function revokedProblem(revoked: RevokedEntry): Problem {
  return problem('accept/revoked', `the certificate was revoked on ${dayOf(revoked.date)} (${revoked.reason})`, {
    help: 'if the device is still yours, issue it a new certificate with a new key',
  })
}

/** Two issuers may name an older and a newer copy of one CRL: the newer is in force, and nothing is wrong. */
export function fatal(rejections: readonly Rejection[]): readonly Rejection[] {
  return rejections.filter(one => one.problem.code !== 'accept/older-crl')
}

/** Issuing CAs without a CRL although their issuer has some configured. */
export function uncoveredCas(issuers: Issuers, hasCrl: (caKeyId: string) => boolean): readonly Problem[] {
  return issuers.all
    .filter(issuer => issuer.crlFiles.length > 0)
    .flatMap(({ name, cas }) =>
      cas
        .map(ca => ca.certificate)
        .filter(({ keyId }) => !hasCrl(keyId))
        .map(({ file }) => {
          const sentence = `none of the CRLs of \`${name}\` is of this CA: what it revokes is not known`
          return problem('accept/no-crl', sentence, { where: { file }, help: `add its CRL under issuers.${name}.crl` })
        }),
    )
}

export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** Why a CRL of the right CA may not replace the one in force (docs/semantics.md 4.4); `latest`: no thisUpdate may be later. */
export function objectionTo(
  crl: Crl,
  before: Crl | undefined,
  { file, latest }: { readonly file: string; readonly latest: number },
): Problem | undefined {
  const where = { file }
  if (crl.thisUpdate > latest) {
    const sentence = `the CRL is dated ${new Date(crl.thisUpdate).toISOString()}, which is in the future`
    return problem('accept/future-crl', sentence, { where, help: 'compare the clocks of this machine and of the CA' })
  }
  if (before === undefined) return undefined
  const lower = crl.number !== undefined && before.number !== undefined && crl.number < before.number
  if (!lower && crl.thisUpdate >= before.thisUpdate) return undefined
  const sentence = lower
    ? `the CRL has number ${crl.number}, lower than ${before.number}, which is in force`
    : `the CRL of ${new Date(crl.thisUpdate).toISOString()} is older than the one in force, of ${new Date(before.thisUpdate).toISOString()}`
  return problem('accept/older-crl', sentence, {
    where,
    help: 'put the newest CRL of the CA there; the one in force stays until then',
  })
}
