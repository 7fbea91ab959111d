/** Sentences about CRLs and revoked certificates. */
import { type Problem, problem } from '../problem.ts'
import type { RevokedEntry } from './crl.ts'
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
