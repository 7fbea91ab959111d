/** The enrolment service of an authority: what each route of EST answers, and what the log is told of it. */
import type { KeyObject } from 'node:crypto'
import { X509Certificate } from 'node:crypto'
import { relative } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Listener, TlsMaterial } from '../../accept/listener.ts'
import { loadIssuers } from '../../accept/load-issuers.ts'
import type { Peer } from '../../accept/peer.ts'
import { openRevocations } from '../../accept/revocation.ts'
import { Authenticator } from '../../authenticate/authenticator.ts'
import { identityText } from '../../policy/identity-text.ts'
import { PortcullisError, type Problem, problem, type Result } from '../../problem.ts'
import type { Trace, TracedPeer } from '../../trace.ts'
import type { OpenCa } from '../ca-folder.ts'
import { publishCrl } from '../crl-file.ts'
import type { Issued } from '../issue-leaf.ts'
import { orBusy } from '../ledger-file.ts'
import { type Applicant, applicantByCertificate, applicantByToken } from './applicant.ts'
import { certsOnly } from './certs-only.ts'
import { type EnrolSettings, enrolApplicant } from './enrol-applicant.ts'
import { badRequest, certificatesAnswer, type EstAnswer, type EstRefusal, refusalOf, tooMany } from './est-answer.ts'
import { bodyObjection, decodeBase64, readBody } from './est-body.ts'
import type { EstLimits } from './est-limits.ts'
import { type EstExchange, openEstServer } from './est-server.ts'
import type { EnrolPolicy } from './issue-token.ts'
import { RateLimit } from './rate-limit.ts'

export interface EstServiceOptions extends EnrolSettings {
  readonly ca: OpenCa
  /** Public half of the key that signs tokens. */
  readonly tokenKey: KeyObject
  /** The policy in force, asked for every request. */
  readonly policy: () => EnrolPolicy
  /** Key and certificate of the service itself. */
  readonly tls: Omit<TlsMaterial, 'ca'>
  readonly limits: EstLimits
  /** With `supersede`: days until the next CRL must be there. */
  readonly crlDays: number
  readonly trace: Trace
}

/**
 * Opens the service. Rejects as `openListener` does, and with ConfigurationError where the authority cannot vouch for anybody.
 * @example const listener = await openEstService({ port: 8443 }, { ca, tokenKey, policy, tls, limits, days: 365, ... })
 */
export async function openEstService(
  at: { readonly port: number; readonly host?: string | undefined },
  options: EstServiceOptions,
): Promise<Listener> {
  const { ca, trace, limits } = options
  const now = (): number => ca.now().getTime()
  const certificates = ca.issuingCas.map(({ certificateFile }) => relative(ca.folder, certificateFile))
  const issuers = await loadIssuers({ [ca.name]: { certificates, root: 'root.pem' } }, ca.folder, { now })
  // without a CRL: the ledger, from which it is written, is asked itself
  const authenticator = new Authenticator(issuers, await openRevocations(issuers, { trace, now }), now, 0)
  const service = new EstService(options, authenticator)
  return openEstServer(at, {
    tls: { ...options.tls, ca: issuers.tlsCa },
    limits,
    trace,
    now,
    handle: exchange => service.handle(exchange),
    refused: ({ status, problem: p }, peer, route) =>
      trace({ event: 'enrol-refused', peer: service.traced(peer), route: route ?? 'unknown', status, problem: p }),
  })
}

/** The issuing CA that signs first, then older ones that are not retired, then the root. */
export function caCertificates({ issuingCas, rootPem }: OpenCa): readonly string[] {
  return [...issuingCas.map(({ pem }) => pem).reverse(), rootPem]
}

class EstService {
  readonly #options: EstServiceOptions
  readonly #authenticator: Authenticator
  readonly #perName: RateLimit
  readonly #caCerts: EstAnswer
  /** While a CRL is written nobody else can write to the ledger, this process included. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: EstServiceOptions, authenticator: Authenticator) {
    const { ca, limits } = options
    this.#options = options
    this.#authenticator = authenticator
    const now = (): number => ca.now().getTime()
    this.#perName = new RateLimit({ perMinute: limits.perNamePerMinute, tracked: limits.tracked, now })
    const chain = caCertificates(ca).map(pem => new X509Certificate(pem).raw)
    this.#caCerts = certificatesAnswer(certsOnly(chain), 'cacerts')
  }

  async handle(exchange: EstExchange): Promise<EstAnswer | EstRefusal> {
    if (exchange.route === 'cacerts') return this.#caCerts
    // RFC 7030 §4.5.2: nothing is asked of a request but its key
    if (exchange.route === 'csrattrs') return { status: 204, headers: {}, body: '' }
    try {
      return await this.#enrol(exchange)
    } catch (error) {
      return refusalOf(problemOf(error))
    }
  }

  /** Who it was, for the log: a certificate counts as one only where this authority signed it. */
  traced(peer: Peer): TracedPeer {
    const subject = this.#authenticator.trust(peer).ok ? this.#authenticator.subjectOf(peer) : undefined
    return { address: peer.address, ...(subject === undefined ? {} : { subject, fingerprint: peer.fingerprint }) }
  }

  async #enrol({ request, peer, route, isOver }: EstExchange): Promise<EstAnswer | EstRefusal> {
    const { ca, limits, tokenKey } = this.#options
    const objection = bodyObjection(request, limits)
    if (objection !== undefined) return objection
    const byCertificate = route === 'simplereenroll'
    const applicant = byCertificate
      ? this.#byCertificate(peer)
      : await applicantByToken(ca, tokenKey, request.headers.authorization)
    if (!applicant.ok) return refusalOf(applicant.problem)
    const wait = this.#perName.take(identityText(applicant.value.identity))
    if (wait !== undefined) return tooMany(wait, 'device')
    const body = await readBody(request, limits.bodyBytes)
    if ('problem' in body) return body
    const der = decodeBase64(body)
    if (!der.ok) return refusalOf(der.problem)
    // a certificate that nobody waits for would cost a token
    const issued = await this.#inTurn(async () => isOver() || (await this.#issue(applicant.value, peer, der.value)))
    if (issued === true) return badRequest(408, 'the client went away before it was its turn')
    if (!issued.ok) return refusalOf(issued.problem)
    return certificatesAnswer(certsOnly([issued.value.signed.der]), 'enroll')
  }

  #byCertificate(peer: Peer): Result<Applicant> {
    const { ca, policy } = this.#options
    return applicantByCertificate(ca, this.#authenticator, policy(), peer)
  }

  async #issue(applicant: Applicant, peer: Peer, der: Buffer): Promise<Result<Issued>> {
    const { ca, policy, trace, supersede, crlDays } = this.#options
    // the body may have taken its time, and a turn as well
    const standing = applicant.current === undefined ? undefined : this.#byCertificate(peer)
    if (standing?.ok === false) return standing
    const issued = await enrolApplicant(ca, policy(), applicant, der, this.#options)
    if (!issued.ok) return issued
    const { signed, superseded } = issued.value
    const who = identityText(applicant.identity)
    trace({
      event: 'enrolled',
      peer: { ...this.traced(peer), who },
      by: applicant.current === undefined ? 'token' : 'certificate',
      serial: signed.serialHex,
      notAfter: signed.notAfter.toISOString(),
      superseded: superseded.map(({ serialHex }) => serialHex),
    })
    if (supersede && superseded.length > 0) {
      await publishCrl(ca, crlDays).catch((error: unknown) => trace({ event: 'alarm', problem: problemOf(error) }))
    }
    return issued
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    // whoever went away meanwhile is noticed first
    const turn = this.#turn.then(() => nextTurn()).then(run)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function problemOf(thrown: unknown): Problem {
  // reading waits for a writer, too
  const error = orBusy(thrown)
  const [first] = error instanceof PortcullisError ? error.problems : []
  return first ?? problem('enforce/internal', error instanceof Error ? error.message : String(error))
}
