/**
 * Gate: the whole path composed. A peer and its CONNECT go in; a bound session with rights, or a reasoned refusal, comes out.
 * accept → authenticate → bind → decide; adapters in `enforce/` do the rest.
 */
import { resolve } from 'node:path'
import { type Issuers, type IssuersConfig, loadIssuers } from './accept/issuers.ts'
import { type Limits, resolveLimits } from './accept/limits.ts'
import type { Peer } from './accept/peer.ts'
import { openRevocations, type RevocationSettings, type Revocations } from './accept/revocation.ts'
import { type Certificate, certificateCache } from './authenticate/certificate.ts'
import { identify } from './authenticate/identify.ts'
import { checkCertificate } from './authenticate/rules.ts'
import { bindClientId, type ClientId } from './bind/client-id.ts'
import { type ConnackCode, connackCodeFor } from './bind/connack-code.ts'
import { compileRights } from './decide/compile-rights.ts'
import type { PublishFacts } from './decide/decision.ts'
import type { MappedIdentity } from './policy/model.ts'
import { rightsHolderOf } from './policy/rights-holder.ts'
import { fail, ok, PolicyError, type Problem, problem, type Result } from './problem.ts'
import { type Mapping, Session } from './session.ts'
import { loadEnforceablePolicy } from './source/enforceable-policy.ts'
import { type LoadedPolicy, watchPolicyFolder } from './source/folder.ts'
import { watchFiles } from './source/watch-files.ts'
import { nullTrace, type Trace } from './trace.ts'

export interface GateOptions {
  /** The policy folder. */
  readonly policies: string
  /** The issuing CAs, as under `issuers:` in portcullis.config.yaml. */
  readonly issuers: IssuersConfig
  /** Folder that the file names in `issuers` are relative to. Default: the working folder. */
  readonly baseFolder?: string
  readonly crl?: Partial<RevocationSettings>
  readonly limits?: Partial<Limits>
  readonly trace?: Trace
  /** Watch policies and CRLs for changes. Default true. */
  readonly watch?: boolean
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

/** What an adapter has read from a CONNECT. User name and password neither add nor change anything. */
export interface ConnectFacts {
  readonly clientId: string
  /** 3 is MQTT 3.1, 4 is 3.1.1. */
  readonly protocolVersion: number
  readonly clean: boolean
  readonly will?: (PublishFacts & { readonly topic: string }) | undefined
}

export type Admission =
  | { readonly effect: 'permit'; readonly session: Session }
  | {
      readonly effect: 'refuse'
      /** CONNACK return code of MQTT 3.1.1. */
      readonly returnCode: ConnackCode
      readonly problem: Problem
      /** What is known of the peer, for the log. */
      readonly subject?: string
      readonly identity?: MappedIdentity
    }

interface Authenticated {
  readonly certificate: Certificate
  readonly issuer: NonNullable<ReturnType<Issuers['findIssuer']>>
}

/** How many parsed certificates are kept: parsing one costs a third of a connection. */
const cachedCertificates = 4096

export class Gate {
  readonly limits: Limits
  readonly trace: Trace
  readonly issuers: Issuers
  readonly #revocations: Revocations
  readonly #certificates = certificateCache(cachedCertificates)
  readonly #sessions = new Set<Session>()
  readonly #now: () => number
  readonly #folder: string
  readonly #watchers: { close(): Promise<void> }[] = []
  #policy: LoadedPolicy
  #reloading: Promise<void> = Promise.resolve()

  /** Use `openGate`. */
  constructor(parts: {
    policy: LoadedPolicy
    folder: string
    issuers: Issuers
    revocations: Revocations
    limits: Limits
    trace: Trace
    now: () => number
  }) {
    this.#policy = parts.policy
    this.#folder = parts.folder
    this.issuers = parts.issuers
    this.#revocations = parts.revocations
    this.limits = parts.limits
    this.trace = parts.trace
    this.#now = parts.now
  }

  /** The policy in force. */
  get policy(): LoadedPolicy {
    return this.#policy
  }

  /** Whether TLS and a configured issuer vouch for this peer at all; where not, the connection is to be destroyed unread. */
  trust(peer: Peer): Result<void> {
    if (peer.leafDer === undefined)
      return fail(
        problem('accept/no-certificate', 'the client showed no certificate', {
          help: 'give the client its certificate and key (mosquitto_pub: --cert and --key)',
        }),
      )
    if (this.issuers.findIssuer(peer.leafDer, peer.fingerprint) === undefined) {
      return fail(
        problem('accept/unknown-issuer', 'none of the configured issuers signed this certificate', {
          help: 'use a certificate of a configured issuer, or add its CA under `issuers:`',
        }),
      )
    }
    return ok(undefined)
  }

  /** Subject of a peer's certificate for display; undefined where there is none to read. */
  subjectOf(peer: Peer): string | undefined {
    if (peer.leafDer === undefined) return undefined
    const parsed = this.#certificates.get(peer.leafDer, peer.fingerprint)
    return parsed.ok ? parsed.value.subjectText : undefined
  }

  /**
   * Decides a CONNECT: authenticates the peer, binds the client id, decides the will.
   * @example const admission = await gate.admit(readPeer(socket), { clientId, protocolVersion: 4, clean: true })
   */
  async admit(peer: Peer, connect: ConnectFacts): Promise<Admission> {
    const subject = this.subjectOf(peer)
    const about = subject === undefined ? {} : { subject }
    const authenticated = this.#authenticate(peer)
    if (!authenticated.ok) return refuse(authenticated.problem, about)
    const identity = this.#identify(authenticated.value)
    if (!identity.ok) return refuse(identity.problem, about)
    const known = { ...about, identity: identity.value }
    const mapping = this.#map(identity.value, connect.clientId)
    if (!mapping.ok) return refuse(mapping.problem, known)
    const session = new Session(
      {
        clientId: mapping.value.clientId,
        peer,
        notAfter: authenticated.value.certificate.notAfter,
        mapping: mapping.value,
      },
      closed => this.#sessions.delete(closed),
    )
    if (connect.will !== undefined) {
      const will = session.publish(connect.will.topic, connect.will)
      if (will.effect === 'refuse') {
        const { code, sentence, where, help } = will.problem
        return refuse(
          problem('bind/will-refused', `the will may not be published: ${sentence} (${code})`, { where, help }),
          known,
        )
      }
    }
    this.#sessions.add(session)
    return { effect: 'permit', session }
  }

  /** Reads the policy folder anew; a set that does not load is refused and the one in force stays. */
  reload(): Promise<void> {
    this.#reloading = this.#reloading.then(async () => {
      const next = await loadEnforceablePolicy(this.#folder, this.issuers.names).catch((error: unknown) => error)
      if (next instanceof PolicyError) {
        this.trace({ event: 'policy-refused', problems: next.problems, revision: this.#policy.revision })
      } else if (next instanceof Error) {
        this.trace({
          event: 'policy-refused',
          problems: [problem('enforce/internal', next.message)],
          revision: this.#policy.revision,
        })
      } else if ((next as LoadedPolicy).revision !== this.#policy.revision) {
        this.#policy = next as LoadedPolicy
        this.trace({
          event: 'policy-loaded',
          revision: this.#policy.revision,
          rules: this.#policy.rules,
          tests: this.#policy.tests,
        })
        this.#recheck()
      }
    })
    return this.#reloading
  }

  /** Reads the CRL files anew and ends the sessions whose certificate is revoked now. */
  async reloadRevocations(): Promise<void> {
    await this.#revocations.reload()
    this.#recheck()
  }

  /** Watches the policy folder and the CRL files. Called by `openGate`. */
  async watch(): Promise<void> {
    this.#watchers.push(await watchPolicyFolder(this.#folder, () => void this.reload()))
    if (this.#revocations.files.length > 0) {
      this.#watchers.push(await watchFiles(this.#revocations.files, () => void this.reloadRevocations()))
    }
  }

  /** Stops watching. Sessions are the host's to close. */
  async close(): Promise<void> {
    await Promise.all(this.#watchers.splice(0).map(watcher => watcher.close()))
    await this.#reloading
  }

  /** The same path for full and resumed handshakes: issuer, revocation, certificate rules. Verdicts are never cached. */
  #authenticate(peer: Peer, standing: { readonly live?: boolean } = {}): Result<Authenticated> {
    const trusted = this.trust(peer)
    if (!trusted.ok) return trusted
    const leafDer = peer.leafDer as Buffer
    const issuer = this.issuers.findIssuer(leafDer, peer.fingerprint)
    const parsed = this.#certificates.get(leafDer, peer.fingerprint)
    if (!parsed.ok) return parsed
    if (issuer === undefined)
      return fail(problem('accept/unknown-issuer', 'none of the configured issuers signed this certificate'))
    const revocation = this.#revocations.check(issuer, parsed.value.serial, this.#now(), standing)
    if (!revocation.ok) return revocation
    const checked = checkCertificate(parsed.value, this.#now())
    if (!checked.ok) return checked
    if (!peer.authorized)
      return fail(
        problem(
          'accept/untrusted-certificate',
          `TLS does not trust the certificate (${peer.authorizationError ?? 'no reason given'})`,
        ),
      )
    return ok({ certificate: parsed.value, issuer })
  }

  #identify({ certificate, issuer }: Authenticated): Result<MappedIdentity> {
    return identify(this.#policy.set, certificate, issuer.name, issuer.only)
  }

  #map(identity: MappedIdentity, presented: string): Result<Mapping & { clientId: ClientId }> {
    const { set, revision } = this.#policy
    const holder = rightsHolderOf(set, identity)
    if (!holder.ok) return holder
    const clientId = bindClientId(set, identity, presented)
    if (!clientId.ok) return clientId
    const rights = compileRights(set, holder.value)
    if (!rights.ok) return rights
    return ok({ revision, identity, rights: rights.value, clientId: clientId.value })
  }

  /** After a swap or a new CRL, authenticate and bind are run again on every live session (docs/semantics.md 4.1, 4.2). */
  #recheck(): void {
    for (const session of this.#sessions) {
      // a stale CRL refuses new connections only
      const authenticated = this.#authenticate(session.peer, { live: true })
      const identity = authenticated.ok ? this.#identify(authenticated.value) : authenticated
      session.remap(identity.ok ? this.#map(identity.value, session.clientId) : identity)
    }
  }
}

function refuse(p: Problem, about: { subject?: string; identity?: MappedIdentity }): Admission {
  return { effect: 'refuse', returnCode: connackCodeFor(p.code), problem: p, ...about }
}

/**
 * Opens a gate. Rejects with PolicyError on a policy set that does not load and with ConfigurationError on issuers or
 * CRLs that cannot be used; each carries every problem found.
 * @example const gate = await openGate({ policies: './policies', issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem' } } })
 */
export async function openGate(options: GateOptions): Promise<Gate> {
  const trace = options.trace ?? nullTrace
  const now = options.now ?? Date.now
  const base = resolve(options.baseFolder ?? '.')
  const issuers = await loadIssuers(options.issuers, base)
  const revocations = await openRevocations(issuers, { ...options.crl, now, trace })
  const folder = resolve(options.policies)
  const policy = await loadEnforceablePolicy(folder, issuers.names)
  const gate = new Gate({
    policy,
    folder,
    issuers,
    revocations,
    limits: resolveLimits(options.limits ?? {}),
    trace,
    now,
  })
  if (options.watch !== false) await gate.watch()
  return gate
}
