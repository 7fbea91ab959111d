/** Identity index: which client ids each identity has, so that counting them does not look at everybody else's. */
const none: ReadonlySet<string> = new Set()

export class IdentityIndex {
  readonly #ids = new Map<string, Set<string>>()
  readonly #keys = new Map<string, string>()

  has(clientId: string): boolean {
    return this.#keys.has(clientId)
  }

  /** The client ids of an identity, by its `identityKey`. */
  idsOf(key: string): ReadonlySet<string> {
    return this.#ids.get(key) ?? none
  }

  set(clientId: string, key: string): void {
    if (this.#keys.get(clientId) === key) return
    this.delete(clientId)
    this.#keys.set(clientId, key)
    const ids = this.#ids.get(key)
    if (ids === undefined) this.#ids.set(key, new Set([clientId]))
    else ids.add(clientId)
  }

  delete(clientId: string): void {
    const key = this.#keys.get(clientId)
    if (key === undefined) return
    this.#keys.delete(clientId)
    const ids = this.#ids.get(key)
    ids?.delete(clientId)
    if (ids?.size === 0) this.#ids.delete(key)
  }

  clear(): void {
    this.#ids.clear()
    this.#keys.clear()
  }
}
