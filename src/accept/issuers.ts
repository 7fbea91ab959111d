/**
 * The issuers of the configuration: whose certificates are accepted, and which of them signed a given leaf. The answer comes
 * from the leaf and the configured CAs alone, never from TLS's chain (docs/semantics.md 1.1): a resumed session has none.
 */
import { type KeyObject, X509Certificate } from 'node:crypto'
import type { Problem } from '../problem.ts'
import { issuerNameOf } from './ca-certificate.ts'
import type { ConfiguredCa } from './ca-rules.ts'
import { DerError, readOnly, tag } from './der.ts'
import { readAlgorithm } from './der-structures.ts'
import { wholeOctets } from './der-values.ts'
import { isAcceptedAlgorithm, verifySignature } from './signature.ts'

/** One issuer, loaded and checked. */
export interface ConfiguredIssuer {
  readonly name: string
  readonly cas: readonly ConfiguredCa[]
  readonly root: ConfiguredCa
  /** Absolute file names. */
  readonly crlFiles: readonly string[]
  readonly only: ReadonlyMap<string, readonly string[]>
}

/** The issuer of one leaf. */
export interface FoundIssuer {
  /** Its name in the configuration. */
  readonly name: string
  /** SHA-256 of the CA that signed the leaf, lower-case hex. */
  readonly caFingerprint: string
  readonly ca: X509Certificate
  /** Capture → the values that this issuer may give it; a capture that is missing here is not confined. */
  readonly only: ReadonlyMap<string, readonly string[]>
  /** The CA and its way to the root, for revocation and validity. */
  readonly configured: ConfiguredCa
}

/** Leaves whose signature has been verified: as many as one broker has connections, since each of them is asked again after every change. */
const cachedLeaves = 65_536

/** The configured issuers. Made by `loadIssuers`. */
export class Issuers {
  #all: readonly ConfiguredIssuer[]
  #notes: readonly Problem[]
  readonly #onReplaced: (() => void)[] = []
  readonly #byName = new Map<string, FoundIssuer[]>()
  readonly #cache = new Map<string, FoundIssuer>()

  constructor(all: readonly ConfiguredIssuer[], notes: readonly Problem[]) {
    this.#all = all
    this.#notes = notes
    this.#indexAll()
  }

  get all(): readonly ConfiguredIssuer[] {
    return this.#all
  }

  /** What each issuer may say at most, by its name and the capture. */
  get limits(): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
    return new Map(this.#all.map(({ name, only }) => [name, only]))
  }

  /** Things that an operator must look at and that do not stop the start, such as one of two CAs that has ended. */
  get notes(): readonly Problem[] {
    return this.#notes
  }

  /** Becomes what `next` is: from now on its CAs count and no others. */
  replace(next: Issuers): void {
    this.#all = next.all
    this.#notes = next.notes
    this.#cache.clear()
    this.#byName.clear()
    this.#indexAll()
    for (const tell of this.#onReplaced) tell()
  }

  /** Calls back after each `replace`: TLS has its own copy of the CAs. */
  onReplaced(tell: () => void): void {
    this.#onReplaced.push(tell)
  }

  /** Whether both name the same certificates for the same issuers. */
  equals(other: Issuers): boolean {
    return this.#text === other.#text
  }

  get names(): readonly string[] {
    return this.all.map(issuer => issuer.name)
  }

  /** PEM of every issuing CA and root: TLS's `ca` needs both (Node ignores `allowPartialTrustChain` on servers). */
  get tlsCa(): readonly string[] {
    const certificates = this.all.flatMap(issuer => [...issuer.cas, issuer.root]).map(ca => ca.certificate)
    return [...new Map(certificates.map(ca => [ca.fingerprint, ca.x509.toString()])).values()]
  }

  /**
   * The configured CA that has the leaf's issuer name and whose key verifies its signature; undefined where none does.
   * `fingerprint` must be the SHA-256 of `leafDer`, as in Peer: answers are cached by it. That the CA is still valid and not
   * revoked is asked anew each time, by `Revocations.check`.
   */
  findIssuer(leafDer: Buffer, fingerprint: string): FoundIssuer | undefined {
    const cached = this.#cache.get(fingerprint)
    if (cached !== undefined) {
      this.#remember(fingerprint, cached)
      return cached
    }
    const found = this.#verify(leafDer)
    // only what a configured CA signed is kept, so that strangers cannot push others out
    if (found !== undefined) this.#remember(fingerprint, found)
    return found
  }

  get #text(): string {
    return JSON.stringify(
      this.#all.map(({ name, cas, root }) => [name, ...[...cas, root].map(ca => ca.certificate.fingerprint)]),
    )
  }

  #indexAll(): void {
    for (const issuer of this.#all) for (const ca of issuer.cas) this.#index(issuer, ca)
  }

  #index(issuer: ConfiguredIssuer, configured: ConfiguredCa): void {
    const { certificate } = configured
    const name = certificate.subjectName.toString('hex')
    const found = {
      name: issuer.name,
      caFingerprint: certificate.fingerprint,
      ca: certificate.x509,
      only: issuer.only,
      configured,
    }
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), found])
  }

  /** Names are compared as DER: RFC 5280 §4.1.2.6 has a CA write its own name alike everywhere. */
  #verify(leafDer: Buffer): FoundIssuer | undefined {
    const candidates = this.#byName.get(issuerNameOf(leafDer)?.toString('hex') ?? '') ?? []
    const signed = candidates.length === 0 ? undefined : readSigned(leafDer)
    return signed && candidates.find(({ ca }) => isSignedBy(signed, leafDer, ca.publicKey))
  }

  #remember(fingerprint: string, found: FoundIssuer): void {
    this.#cache.delete(fingerprint)
    this.#cache.set(fingerprint, found)
    if (this.#cache.size <= cachedLeaves) return
    const oldest = this.#cache.keys().next()
    if (!oldest.done) this.#cache.delete(oldest.value)
  }
}

interface Signed {
  readonly tbs: Buffer
  readonly algorithm: string
  readonly signature: Buffer
}

/** The three parts of a certificate and nothing behind them (RFC 5280 §4.1); undefined where it is none. */
function readSigned(der: Buffer): Signed | undefined {
  try {
    return readOnly(der, tag.sequence, certificate => ({
      tbs: certificate.takeWhole(tag.sequence),
      algorithm: certificate.inside(tag.sequence, readAlgorithm).oid,
      signature: wholeOctets(certificate.take(tag.bitString)),
    }))
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

/** OpenSSL's own reader costs more than the signature, so it is asked only where the algorithm is one that no rule will accept. */
function isSignedBy({ tbs, algorithm, signature }: Signed, leafDer: Buffer, key: KeyObject): boolean {
  if (isAcceptedAlgorithm(algorithm)) return verifySignature(algorithm, tbs, signature, key)
  try {
    return new X509Certificate(leafDer).verify(key)
  } catch {
    return false // OpenSSL cannot read it
  }
}
