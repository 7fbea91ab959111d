/**
 * Authenticator: peer → certificate of a known issuer that is good now. One path for full and resumed handshakes: issuer,
 * revocation, certificate rules (docs/semantics.md 1.2). Parsed certificates are cached, verdicts never.
 */
import type { FoundIssuer, Issuers } from '../accept/issuers.ts'
import type { Peer } from '../accept/peer.ts'
import type { Revocations } from '../accept/revocation.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import { type Certificate, certificateCache } from './certificate.ts'
import { checkCertificate } from './rules.ts'

export interface Authenticated {
  readonly certificate: Certificate
  readonly issuer: FoundIssuer
}

/** How many parsed certificates are kept: parsing one costs a third of a connection. */
const cachedCertificates = 4096

export class Authenticator {
  readonly #issuers: Issuers
  readonly #revocations: Revocations
  readonly #now: () => number
  readonly #keepForMs: number
  readonly #certificates = certificateCache(cachedCertificates)
  /** Of peers that are connected: going through more of them than the cache holds would find none there. */
  readonly #ofPeers = new WeakMap<Peer, Result<Certificate>>()

  /** `keepForMs`: how long after its end a certificate still owns a kept session. */
  constructor(issuers: Issuers, revocations: Revocations, now: () => number, keepForMs: number) {
    this.#issuers = issuers
    this.#revocations = revocations
    this.#now = now
    this.#keepForMs = keepForMs
  }

  /** Whether a configured issuer vouches for this peer at all; where not, the connection is to be destroyed unread. */
  trust(peer: Peer): Result<FoundIssuer> {
    if (peer.leafDer === undefined)
      return fail(
        problem('accept/no-certificate', 'the client showed no certificate', {
          help: 'give the client its certificate and key (mosquitto_pub: --cert and --key)',
        }),
      )
    const issuer = this.#issuers.findIssuer(peer.leafDer, peer.fingerprint)
    return issuer === undefined ? fail(unknownIssuer()) : ok(issuer)
  }

  /** The same peer, whose leaf is the bytes that are kept of its certificate anyway: a fleet has many of both. */
  settled(peer: Peer): Peer {
    const parsed = peer.leafDer && this.#certificates.get(peer.leafDer, peer.fingerprint)
    if (parsed?.ok !== true) return peer
    const { der } = parsed.value
    return { ...peer, leafDer: Buffer.from(der.buffer, der.byteOffset, der.length) }
  }

  /** Subject of a peer's certificate for display; undefined where there is none to read. */
  subjectOf(peer: Peer): string | undefined {
    if (peer.leafDer === undefined) return undefined
    const parsed = this.#certificates.get(peer.leafDer, peer.fingerprint)
    return parsed.ok ? parsed.value.subjectText : undefined
  }

  /** What is stored of a peer with what outlives its connection; undefined where no configured issuer vouches for it. */
  ownerOf(peer: Peer): { readonly leafDer: Buffer; readonly issuerKeyId: string } | undefined {
    const issuer = this.trust(peer)
    if (!issuer.ok || peer.leafDer === undefined) return undefined
    return { leafDer: peer.leafDer, issuerKeyId: issuer.value.configured.certificate.keyId }
  }

  /** Judges a peer as it is now. With `live`, for a session that is bound already, a stale CRL does not count. */
  authenticate(peer: Peer, standing: { readonly live?: boolean } = {}): Result<Authenticated> {
    const issuer = this.trust(peer)
    if (!issuer.ok) return issuer
    const parsed = this.#certificateOf(peer, peer.leafDer as Buffer)
    if (!parsed.ok) return parsed
    const revocation = this.#revocations.check(issuer.value, parsed.value.serial, this.#now(), standing)
    if (!revocation.ok) return revocation
    // a clock that was set back does not bring an ended certificate back either
    const checked = checkCertificate(parsed.value, this.#revocations.judgedTime(this.#now()))
    if (!checked.ok) return checked
    if (!peer.authorized && !this.#isFaultOfClock(peer))
      return fail(
        problem(
          'accept/untrusted-certificate',
          `TLS does not trust the certificate (${peer.authorizationError ?? 'no reason given'})`,
        ),
      )
    return ok({ certificate: parsed.value, issuer: issuer.value })
  }

  /**
   * TLS judges by the machine's clock. While that is known to be behind, what is not valid yet for TLS alone is valid: everything
   * else that TLS looks at has been checked here too, and that the peer has the key is shown by the handshake.
   */
  #isFaultOfClock({ authorizationError }: Peer): boolean {
    return authorizationError === 'CERT_NOT_YET_VALID' && this.#revocations.clockProblem() !== undefined
  }

  #certificateOf(peer: Peer, leafDer: Buffer): Result<Certificate> {
    const known = this.#ofPeers.get(peer)
    if (known !== undefined) return known
    const parsed = this.#certificates.get(leafDer, peer.fingerprint)
    this.#ofPeers.set(peer, parsed)
    return parsed
  }

  /**
   * The certificate of a kept session: its issuer must still be configured, with the same key, and neither it nor its
   * issuer revoked. That a newer certificate has superseded it does not matter, and its end only when `keepForDays` have
   * passed since (docs/semantics.md 2.3, 4.2).
   */
  recall(leafDer: Buffer, fingerprint: string, issuerKeyId: string): Result<Authenticated> {
    const issuer = this.#issuers.findIssuer(leafDer, fingerprint)
    if (issuer === undefined || issuer.configured.certificate.keyId !== issuerKeyId) return fail(unknownIssuer())
    const parsed = this.#certificates.get(leafDer, fingerprint)
    if (!parsed.ok) return parsed
    const condemned = this.#revocations.condemned(issuer, parsed.value.serial)
    if (condemned !== undefined) return fail(condemned)
    const isOver = this.#revocations.judgedTime(this.#now()) > parsed.value.notAfter + this.#keepForMs
    return isOver ? fail(keptTooLong()) : ok({ certificate: parsed.value, issuer })
  }
}

const keptTooLong = () =>
  problem('authenticate/expired', 'the certificate of the kept session ended longer ago than such a session is kept')

const unknownIssuer = () =>
  problem('accept/unknown-issuer', 'none of the configured issuers signed this certificate', {
    help: 'use a certificate of a configured issuer, or add its CA under `issuers:`',
  })
