/** What the enrolment service answers: content types of RFC 7030, base64 of RFC 8951, and a refusal as one line of plain text. */
import { escapeTerminal } from '../../observe/escape-terminal.ts'
import { type Problem, type ProblemCode, problem } from '../../problem.ts'
import { problemCodes } from '../../problem-codes.ts'

export interface EstAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Why not, and how HTTP says so. */
export interface EstRefusal {
  readonly status: number
  readonly problem: Problem
  readonly headers?: Readonly<Record<string, string>>
}

/** RFC 8951 §3.1: base64 as RFC 4648 has it, without line breaks, and no Content-Transfer-Encoding. */
export function certificatesAnswer(envelope: Buffer, type: 'cacerts' | 'enroll'): EstAnswer {
  const smime = type === 'enroll' ? '; smime-type=certs-only' : ''
  return {
    status: 200,
    headers: { 'content-type': `application/pkcs7-mime${smime}` },
    body: envelope.toString('base64'),
  }
}

export function refusalAnswer({ status, problem: p, headers }: EstRefusal): EstAnswer {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: `${escapeTerminal(`${p.code}: ${shownSentence(p)}`)}\n`,
  }
}

/** Their sentences say nothing but what the client sent, or is. All others may name rules, devices and serials: those stay in the log. */
const toldWhole: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'provision/bad-enrolment',
  'provision/bad-request',
  'provision/bad-token',
  'provision/other-names',
  'provision/same-key',
  'provision/too-many-enrolments',
  'provision/weak-key',
])

function shownSentence({ code, sentence }: Problem): string {
  return toldWhole.has(code) ? sentence : problemCodes[code].meaning
}

const retrySeconds = 10
const challenge = { 'www-authenticate': 'Basic realm="portcullis enrolment", charset="UTF-8"' }

/** The answer to a request that is not one of EST. */
export function badRequest(status: number, sentence: string, headers?: Readonly<Record<string, string>>): EstRefusal {
  return {
    status,
    problem: problem('provision/bad-enrolment', sentence),
    ...(headers === undefined ? {} : { headers }),
  }
}

export function tooMany(waitSeconds: number, whose: string): EstRefusal {
  const p = problem('provision/too-many-enrolments', `too many requests of this ${whose} in a minute`)
  return { status: 429, problem: p, headers: { 'retry-after': String(waitSeconds) } }
}

/** HTTP's words for a problem. What is nobody's fault but ours is 500, and what passes by itself 503. */
export function refusalOf(p: Problem): EstRefusal {
  switch (p.code) {
    case 'provision/bad-token':
      return { status: 401, problem: p, headers: challenge }
    case 'provision/bad-request':
    case 'provision/weak-key':
    case 'provision/same-key':
    case 'provision/other-names':
      return { status: 400, problem: p }
    case 'provision/taken':
      return { status: 409, problem: p }
    case 'provision/ledger-busy':
    case 'provision/clock-set-back':
    case 'provision/ca-expired':
      return { status: 503, problem: p, headers: { 'retry-after': String(retrySeconds) } }
    default:
      return { status: isRefused(p.code) ? 403 : 500, problem: p }
  }
}

/** Of the certificate or the policy. */
function isRefused(code: ProblemCode): boolean {
  const own: readonly ProblemCode[] = [
    'provision/compromised-key',
    'provision/no-rights',
    'provision/not-from-template',
    'provision/not-in-force',
    'provision/policy-refuses',
    'provision/unknown-certificate',
    'provision/unknown-identity',
  ]
  return own.includes(code) || /^(?:accept|authenticate)\//.test(code)
}
