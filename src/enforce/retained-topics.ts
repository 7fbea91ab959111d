/**
 * Retained topics: how many topics each identity holds a retained message on (docs/semantics.md 5.3). The last one to set a
 * topic holds it; what was retained before the process started is nobody's.
 */
export class RetainedTopics {
  readonly #limit: number
  readonly #holders = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Notes that this identity sets a retained message; false, and nothing noted, where it would hold one topic too many. */
  set(topic: string, identityKey: string): boolean {
    const holder = this.#holders.get(topic)
    if (holder === identityKey) return true
    const count = this.#counts.get(identityKey) ?? 0
    if (count >= this.#limit) return false
    this.clear(topic)
    this.#holders.set(topic, identityKey)
    this.#counts.set(identityKey, count + 1)
    return true
  }

  /** The topic has no retained message any more. */
  clear(topic: string): void {
    const holder = this.#holders.get(topic)
    if (holder === undefined) return
    this.#holders.delete(topic)
    const left = (this.#counts.get(holder) ?? 1) - 1
    if (left === 0) this.#counts.delete(holder)
    else this.#counts.set(holder, left)
  }
}
