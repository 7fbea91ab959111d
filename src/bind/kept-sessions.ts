/**
 * Kept sessions: the owner of each, what the policy in force makes of that owner, and the one decision of ownership
 * (docs/semantics.md 2.3). The broker's side of a session is ended through `purge`, which the adapter brings.
 */
import type { MappedIdentity } from '../policy/model.ts'
import { type Problem, problem, type Result } from '../problem.ts'
import { IdentityIndex } from './identity-index.ts'
import { identityKey } from './identity-key.ts'
import type { Owner, OwnerStore } from './owner-store.ts'

/** What a stored certificate is under the policy in force, its validity left aside. */
export type MapOwner<M> = (owner: Owner, clientId: string) => Result<M & { readonly identity: MappedIdentity }>

/** Ends everything that the broker keeps for a client id; whether there was anything. */
export type Purge = (clientId: string) => Promise<boolean>

/** What becomes of the kept session that a CONNECT asks for. */
export type Claim =
  | { readonly outcome: 'resume' | 'fresh'; readonly stored: Owner | undefined }
  | { readonly outcome: 'refuse'; readonly problem: Problem }

interface Kept<M> {
  owner: Owner
  mapped: { readonly epoch: number; readonly result: ReturnType<MapOwner<M>> } | undefined
}

export class KeptSessions<M> {
  readonly #store: OwnerStore
  readonly #map: MapOwner<M>
  readonly #epoch: () => number
  readonly #kept = new Map<string, Kept<M>>()
  readonly #index = new IdentityIndex()
  #indexedEpoch: number | undefined

  /** `epoch` rises whenever `map` may answer differently. */
  constructor(store: OwnerStore, map: MapOwner<M>, epoch: () => number) {
    this.#store = store
    this.#map = map
    this.#epoch = epoch
  }

  /** Reads the store; call once, before the first CONNECT. */
  async open(): Promise<void> {
    for (const [clientId, owner] of await this.#store.all()) this.#kept.set(clientId, { owner, mapped: undefined })
  }

  get clientIds(): readonly string[] {
    return [...this.#kept.keys()]
  }

  get count(): number {
    return this.#kept.size
  }

  /** What the owner of a kept session is now; undefined where nothing is kept for that id, or its owner is nobody any more. */
  mappingOf(clientId: string): (M & { readonly identity: MappedIdentity }) | undefined {
    const kept = this.#kept.get(clientId)
    if (kept === undefined) return undefined
    const result = this.#mapped(clientId, kept)
    return result.ok ? result.value : undefined
  }

  /** The client ids of the kept sessions of an identity, by its `identityKey`. */
  idsOf(key: string): ReadonlySet<string> {
    const epoch = this.#epoch()
    if (this.#indexedEpoch !== epoch) {
      this.#indexedEpoch = epoch
      this.#index.clear()
      for (const [clientId, kept] of this.#kept) this.#note(clientId, kept)
    }
    return this.#index.idsOf(key)
  }

  /** Compares the stored owner with who presents itself now, both under the policy in force. */
  async claim(clientId: string, presented: MappedIdentity): Promise<Claim> {
    const stored = await this.#store.get(clientId)
    if (stored === undefined) {
      this.#forget(clientId)
      return { outcome: 'fresh', stored }
    }
    const known = this.#kept.get(clientId)
    if (known === undefined || known.owner !== stored) this.#remember(clientId, stored)
    const mapping = this.mappingOf(clientId)
    if (mapping === undefined) return { outcome: 'fresh', stored }
    if (identityKey(mapping.identity) === identityKey(presented)) return { outcome: 'resume', stored }
    return { outcome: 'refuse', problem: owned(clientId) }
  }

  /** Writes the owner of the session that begins, or that there is none to keep; false where somebody else was faster. */
  async settle(clientId: string, stored: Owner | undefined, next: Owner | undefined): Promise<boolean> {
    const isSettled = await this.#store.replace(clientId, stored, next)
    if (!isSettled) return false
    if (next === undefined) this.#forget(clientId)
    else this.#remember(clientId, next)
    return true
  }

  /** The owner as it was read or written last. */
  ownerOf(clientId: string): Owner | undefined {
    return this.#kept.get(clientId)?.owner
  }

  #remember(clientId: string, owner: Owner): void {
    const kept: Kept<M> = { owner, mapped: undefined }
    this.#kept.set(clientId, kept)
    if (this.#indexedEpoch === this.#epoch()) this.#note(clientId, kept)
  }

  #forget(clientId: string): void {
    this.#kept.delete(clientId)
    this.#index.delete(clientId)
  }

  #note(clientId: string, kept: Kept<M>): void {
    const result = this.#mapped(clientId, kept)
    if (result.ok) this.#index.set(clientId, identityKey(result.value.identity))
    else this.#index.delete(clientId)
  }

  #mapped(clientId: string, kept: Kept<M>): ReturnType<MapOwner<M>> {
    const epoch = this.#epoch()
    if (kept.mapped?.epoch !== epoch) kept.mapped = { epoch, result: this.#map(kept.owner, clientId) }
    return kept.mapped.result
  }
}

export function owned(clientId: string): Problem {
  return problem('bind/owned', `the session of ${clientId} belongs to another identity`, {
    help: 'end that session first, or give each identity client ids of its own',
  })
}
