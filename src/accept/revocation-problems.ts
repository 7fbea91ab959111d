/** Sentences about CRLs and revoked certificates. */
import { type Problem, problem } from '../problem.ts'
import type { RevokedEntry } from './crl.ts'

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

export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)
