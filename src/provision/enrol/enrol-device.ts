/** A device enrols itself: key, request, answer, checks. Nothing is written here. */
import { fail, ok, type Problem, problem, type Result } from '../../problem.ts'
import { writeRequest } from '../csr-writer.ts'
import type { KeyPair } from '../keys.ts'
import { encodeName } from '../names.ts'
import type { RawNames } from './certificate-names.ts'
import { type CheckedCertificate, checkAnswer } from './check-answer.ts'
import { askEst, type EstPlace, type EstQuestion, type EstReply } from './est-client.ts'

export interface DeviceEnrolment {
  readonly place: EstPlace
  readonly name: string
  readonly keys: KeyPair
  /** For a first certificate. */
  readonly token?: string
  /** Names of the certificate that is shown, for the next one. */
  readonly names?: RawNames
  /** How long to ask again where the service says later (202, 429, 503 with Retry-After). */
  readonly waitSeconds: number
}

export interface DeviceIo {
  readonly now: () => Date
  readonly sleep: (ms: number) => Promise<void>
  /** Is told before each time that it waits. */
  readonly waiting: (seconds: number, status: number) => void
}

const longestPauseSeconds = 300

/** Rejects where the service cannot be reached. */
export async function enrolDevice(wish: DeviceEnrolment, io: DeviceIo): Promise<Result<CheckedCertificate>> {
  const { place, name, keys, token, names } = wish
  // asked first: where the authority is another one, no token is spent
  const cacerts = await askEst(place, { route: 'cacerts' })
  if (cacerts.status !== 200) return fail(refused(cacerts))
  const body = writeRequest(keys, names ?? { subjectName: encodeName([['CN', name]]) })
  const question: EstQuestion =
    token === undefined
      ? { route: 'simplereenroll', body }
      : {
          route: 'simpleenroll',
          body,
          authorization: `Basic ${Buffer.from(`${name}:${token}`).toString('base64')}`,
        }
  const reply = await askUntil(place, question, wish.waitSeconds, io)
  if (reply.status !== 200) return fail(refused(reply))
  const { rootPem } = place
  const checked = checkAnswer(reply, cacerts, { publicKey: keys.publicKey, name, names, rootPem, now: io.now() })
  return checked.ok ? ok(checked.value) : checked
}

/** RFC 7030 §4.2.3: the same request again, after as long as the service says. */
async function askUntil(place: EstPlace, question: EstQuestion, waitSeconds: number, io: DeviceIo): Promise<EstReply> {
  let left = waitSeconds
  for (;;) {
    const reply = await askEst(place, question)
    const isLater = [202, 429, 503].includes(reply.status)
    const seconds = isLater ? secondsIn(reply.retryAfter ?? '', io.now()) : undefined
    if (seconds === undefined) return reply
    const pause = Math.min(Math.max(seconds, 1), longestPauseSeconds)
    if (pause > left) return reply
    left -= pause
    io.waiting(pause, reply.status)
    await io.sleep(pause * 1000)
  }
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function secondsIn(header: string, now: Date): number | undefined {
  if (/^\d{1,6}$/.test(header)) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now.getTime()) / 1000))
}

/** The service's own line is shown, cut, as what it is: a text from elsewhere. */
function refused({ status, type, body }: EstReply): Problem {
  const line = type === 'text/plain' ? (body.toString('utf8').split('\n', 1)[0] ?? '').slice(0, 300) : ''
  const sentence = `the service answered ${status}${line === '' ? '' : `: ${line}`}`
  return problem('provision/enrolment-failed', sentence)
}
