/** From an applicant and its request to a certificate: the same plan and the same ledger as `device sign`. */
import { fail, PortcullisError, problem, type Result } from '../../problem.ts'
import type { OpenCa } from '../ca-folder.ts'
import { readRequest } from '../csr.ts'
import { type Issued, issueThroughLedger } from '../issue-leaf.ts'
import { keyHashOf } from '../keys.ts'
import { planDevice } from '../plan-device.ts'
import { noFiles } from '../staged-files.ts'
import type { Applicant } from './applicant.ts'
import { asksForSameNames, rawNamesOf } from './certificate-names.ts'
import type { EnrolPolicy } from './issue-token.ts'

export interface EnrolSettings {
  readonly days: number
  /** A re-enrolment puts the certificates before it on the CRL. */
  readonly supersede: boolean
}

/** `der` is the PKCS#10 request. Of two uses of a token one wins, and a certificate that was revoked meanwhile gets no successor. */
export async function enrolApplicant(
  ca: OpenCa,
  policy: EnrolPolicy,
  applicant: Applicant,
  der: Buffer,
  { days, supersede }: EnrolSettings,
): Promise<Result<Issued>> {
  const { name, identity, token, current } = applicant
  const request = der[0] === 0x30 ? readRequest(der) : fail(notDer)
  if (!request.ok) return request
  const { publicKey } = request.value
  if (current?.der !== undefined && !asksForSameNames(request.value, rawNamesOf(current.der))) {
    return fail(problem('provision/other-names', 'subject and subjectAltName are not those of the certificate'))
  }
  if (current?.keyHash === keyHashOf(publicKey)) {
    return fail(problem('provision/same-key', 'the key is that of the certificate: renewing means a new one'))
  }
  const plan = planDevice(ca, { ...policy, identity, name, publicKey, days })
  if (!plan.ok) return plan
  return issueThroughLedger(ca, plan.value, {
    renew: current !== undefined,
    supersede: supersede && current !== undefined,
    token,
    successorOf: current,
    stage: async () => noFiles,
  }).catch((error: unknown) => {
    // what else stopped it passes by itself, and would have the device come again with a token that is spent
    if (token !== undefined && ca.ledger.tokens.find(token)?.state === 'spent') throw spentInVain(name)
    throw error
  })
}

function spentInVain(name: string): PortcullisError {
  const sentence = `the certificate for ${name} was not issued, and its token is spent`
  const help = `make another one: portcullis enroll token ${name}`
  return new PortcullisError([problem('provision/reservation-lost', sentence, { help })])
}

const notDer = problem('provision/bad-request', 'the signing request is not base64 of DER')
