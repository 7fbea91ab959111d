/**
 * Mapper: what the policy in force makes of a certificate and a client id. authenticate → bind → decide in one place, for a
 * CONNECT, a live session and the owner of a kept one; without side effects.
 */
import { hash } from 'node:crypto'
import type { Peer } from './accept/peer.ts'
import type { Authenticated, Authenticator } from './authenticate/authenticator.ts'
import { identify } from './authenticate/identify.ts'
import type { ClientId } from './bind/client-id.ts'
import type { Owner } from './bind/owner-store.ts'
import type { PublishFacts } from './decide/decision.ts'
import { rightsFor } from './decide/rights-for.ts'
import type { MappedIdentity } from './policy/model.ts'
import { parseTopicName } from './policy/topic.ts'
import { fail, ok, type Problem, problem, type Result } from './problem.ts'
import type { Mapping } from './session.ts'
import type { LoadedPolicy } from './source/folder.ts'
import type { Trial } from './trial.ts'

/** What an adapter has read from a CONNECT. User name and password neither add nor change anything. */
export interface ConnectFacts {
  readonly clientId: string
  /** 3 is MQTT 3.1, 4 is 3.1.1. */
  readonly protocolVersion: number
  readonly clean: boolean
  readonly will?: (PublishFacts & { readonly topic: string }) | undefined
}

/** A mapping with the client id that it was made for. */
export interface BoundMapping extends Mapping {
  readonly clientId: ClientId
  /** End of the certificate, milliseconds since 1970. */
  readonly notAfter: number
}

/** What a CONNECT gets, and the owner to note where its session is kept. */
export interface ConnectMapping {
  readonly mapping: BoundMapping
  readonly owner: Owner
}

interface MappedCertificate {
  /** Present as soon as the certificate has one, also where the client id is refused. */
  readonly identity?: MappedIdentity
  readonly mapping: Result<BoundMapping>
}

interface Remembered {
  readonly mapped: MappedCertificate
  readonly issuer: string
  readonly fingerprint: string
}

const rememberedCertificates = 10_000

export class Mapper {
  readonly #authenticator: Authenticator
  readonly #trial: Trial | undefined
  #policy: LoadedPolicy
  #epoch = 0
  /** By client id: what its certificate is under this policy, which never changes; whether it is good is asked anew. */
  readonly #mapped = new Map<string, Remembered>()

  /** `trial`: what is only tried, where anything is. */
  constructor(authenticator: Authenticator, policy: LoadedPolicy, trial?: Trial) {
    this.#trial = trial
    this.#authenticator = authenticator
    this.#policy = policy
  }

  get policy(): LoadedPolicy {
    return this.#policy
  }

  /** Rises with every policy: whoever decided under a lower one decides again. */
  get epoch(): number {
    return this.#epoch
  }

  use(policy: LoadedPolicy): void {
    this.#policy = policy
    this.#epoch++
    this.#mapped.clear()
    this.#trial?.use(policy, this.#trial.candidate)
  }

  /** Another candidate is tried from now on; the policy in force stays. */
  tryCandidate(candidate: LoadedPolicy): void {
    this.#epoch++
    this.#mapped.clear()
    this.#trial?.use(this.#policy, candidate)
  }

  /** What a CONNECT would get: authenticate → bind → decide. The identity is told even where a later step refuses. */
  ofConnect(
    peer: Peer,
    connect: ConnectFacts,
  ): { readonly identity?: MappedIdentity; readonly result: Result<ConnectMapping> } {
    const authenticated = this.#authenticator.authenticate(peer)
    if (!authenticated.ok) return { result: authenticated }
    const { identity, mapping } = this.#mapCertificate(authenticated.value, connect.clientId, peer.fingerprint)
    const known = identity === undefined ? {} : { identity }
    if (!mapping.ok) return { ...known, result: mapping }
    const { issuer } = authenticated.value
    const owner = { leafDer: peer.leafDer as Buffer, issuerKeyId: issuer.configured.certificate.keyId }
    const refusedWill = connect.will && judgeWill(mapping.value, connect.will)
    return { ...known, result: refusedWill === undefined ? ok({ mapping: mapping.value, owner }) : fail(refusedWill) }
  }

  /** What a live session is now. A stale CRL refuses new connections only. */
  ofLive(peer: Peer, clientId: string): Result<BoundMapping> {
    const authenticated = this.#authenticator.authenticate(peer, { live: true })
    return authenticated.ok
      ? this.#mapCertificate(authenticated.value, clientId, peer.fingerprint).mapping
      : authenticated
  }

  /** What the owner of a kept session is now; the validity of its certificate does not count. */
  ofOwner({ leafDer, issuerKeyId }: Owner, clientId: string): Result<BoundMapping> {
    const fingerprint = hash('sha256', leafDer, 'hex')
    const recalled = this.#authenticator.recall(leafDer, fingerprint, issuerKeyId)
    return recalled.ok ? this.#mapCertificate(recalled.value, clientId, fingerprint).mapping : recalled
  }

  /** Identity and rights of a certificate under the policy in force. */
  #mapCertificate(authenticated: Authenticated, clientId: string, fingerprint: string): MappedCertificate {
    const issuer = authenticated.issuer.name
    const known = this.#mapped.get(clientId)
    if (known?.fingerprint === fingerprint && known.issuer === issuer) return known.mapped
    const inForce = mapUnder(this.#policy, authenticated, clientId)
    const mapped =
      this.#trial === undefined ? inForce : tried(this.#trial, inForce, authenticated, clientId, fingerprint)
    // only what may log in is worth remembering: others could fill it with client ids of their own making
    if (!mapped.mapping.ok) return mapped
    if (this.#mapped.size >= rememberedCertificates) this.#mapped.clear()
    this.#mapped.set(clientId, { mapped, issuer, fingerprint })
    return mapped
  }
}

/** What a policy makes of a certificate and a client id. */
function mapUnder(policy: LoadedPolicy, { certificate, issuer }: Authenticated, presented: string): MappedCertificate {
  const { set, revision } = policy
  const identified = identify(set, certificate, issuer.name, issuer.only)
  if (!identified.ok) return { mapping: identified }
  const identity = identified.value
  const bound = rightsFor(set, identity, presented)
  if (!bound.ok) return { identity, mapping: bound }
  const { clientId, rights } = bound.value
  return { identity, mapping: ok({ revision, identity, rights, clientId, notAfter: certificate.notAfter }) }
}

/** The same, with rights that tell what is only tried. */
function tried(
  trial: Trial,
  { identity, mapping }: MappedCertificate,
  authenticated: Authenticated,
  clientId: string,
  fingerprint: string,
): MappedCertificate {
  const { candidate } = trial
  const other = candidate && mapUnder(candidate, authenticated, clientId)
  const who = { identity: identity ?? other?.identity, clientId, fingerprint }
  if (other !== undefined) trial.compareLogin(who, mapping, other.mapping)
  const known = identity === undefined ? {} : { identity }
  if (!mapping.ok) return { ...known, mapping }
  return { ...known, mapping: ok({ ...mapping.value, rights: trial.watch(who, mapping.value, other?.mapping) }) }
}

/** Why the will may not be published; undefined where it may (docs/semantics.md 3.7). */
function judgeWill({ rights }: Mapping, will: NonNullable<ConnectFacts['will']>): Problem | undefined {
  const topic = parseTopicName(will.topic)
  const decision = topic.ok
    ? rights.publish(topic.value, will)
    : ({ effect: 'refuse', problem: topic.problem } as const)
  if (decision.effect === 'permit') return undefined
  const { code, sentence, where, help } = decision.problem
  return problem('bind/will-refused', `the will may not be published: ${sentence} (${code})`, { where, help })
}
