/**
 * Whose kept sessions are (docs/semantics.md 2.3). A broker keeps subscriptions and queues by client id alone; the store
 * keeps beside each the certificate of its last CONNECT, so that whoever comes back can be compared with whoever left.
 */

/** The certificate that a kept session belongs to. */
export interface Owner {
  /** DER of the leaf. */
  readonly leafDer: Buffer
  /** SHA-256 of the public key of the CA that signed it, lower-case hex. */
  readonly issuerKeyId: string
}

/** A store lives as long as the broker's own persistence does. */
export interface OwnerStore {
  get(clientId: string): Promise<Owner | undefined>
  /**
   * Replaces (`undefined` removes) what is stored, only where that is still `expected`; resolves with whether it did.
   * Atomic: of two that race, one gets false.
   */
  replace(clientId: string, expected: Owner | undefined, next: Owner | undefined): Promise<boolean>
  /** Every owner: read once, at start. */
  all(): Promise<readonly (readonly [clientId: string, owner: Owner])[]>
  /** Calls back with what others that use the store have changed; absent where there are no others. */
  onChange?(changed: (clientId: string, owner: Owner | undefined) => void): void
}

/** Whether two are the same certificate of the same issuer. */
export function isSameOwner(a: Owner | undefined, b: Owner | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.issuerKeyId === b.issuerKeyId && a.leafDer.equals(b.leafDer)
}

/** For a persistence that forgets everything when the process ends, as aedes's own does. */
export class MemoryOwnerStore implements OwnerStore {
  readonly #owners = new Map<string, Owner>()

  async get(clientId: string): Promise<Owner | undefined> {
    return this.#owners.get(clientId)
  }

  async replace(clientId: string, expected: Owner | undefined, next: Owner | undefined): Promise<boolean> {
    if (!isSameOwner(this.#owners.get(clientId), expected)) return false
    if (next === undefined) this.#owners.delete(clientId)
    else this.#owners.set(clientId, next)
    return true
  }

  async all(): Promise<readonly (readonly [string, Owner])[]> {
    return [...this.#owners]
  }
}
