/** Connections that are open but not logged in, counted per address: after log-in, limits are per identity. */
import { addressKey } from './limits.ts'

export class WaitingConnections {
  readonly #counts = new Map<string, number>()
  /** How many of one address there may be. */
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  /** Counts one more; returns what to call when it has logged in or gone, or undefined where there are too many. */
  enter(address: string): (() => void) | undefined {
    const key = addressKey(address)
    const count = this.#counts.get(key) ?? 0
    if (count >= this.limit) return undefined
    this.#counts.set(key, count + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      const remaining = (this.#counts.get(key) ?? 1) - 1
      if (remaining === 0) this.#counts.delete(key)
      else this.#counts.set(key, remaining)
    }
  }
}
