/** Denial budget: how often one identity may be refused within a minute before its connection is closed (docs/semantics.md 5.3). */
const windowMs = 60_000
/** Most identities counted at once; the one that began first is forgotten first. */
const maxTracked = 100_000

export class DenialBudget {
  readonly #limit: number
  readonly #now: () => number
  readonly #counts = new Map<string, { readonly since: number; count: number }>()

  constructor(limitPerMinute: number, now: () => number) {
    this.#limit = limitPerMinute
    this.#now = now
  }

  /** Counts one refused action; false where it is one too many. Counting goes on over reconnects. */
  spend(identityKey: string): boolean {
    const now = this.#now()
    let entry = this.#counts.get(identityKey)
    if (entry === undefined || now - entry.since >= windowMs || now < entry.since) {
      this.#counts.delete(identityKey)
      entry = { since: now, count: 0 }
      this.#counts.set(identityKey, entry)
      this.#forget()
    }
    return ++entry.count <= this.#limit
  }

  #forget(): void {
    if (this.#counts.size <= maxTracked) return
    const [oldest] = this.#counts.keys()
    if (oldest !== undefined) this.#counts.delete(oldest)
  }
}
