/** So many of a kind in a minute for each key, in bounded memory. */

const windowMs = 60_000
/** Shared by all keys beyond those that are tracked. */
const overflowKey = '*'

export interface RateLimitOptions {
  readonly perMinute: number
  readonly tracked: number
  /** Milliseconds. */
  readonly now: () => number
}

/** A minute of a key begins with its first request, so that the oldest entry is the first to end. */
export class RateLimit {
  readonly #options: RateLimitOptions
  readonly #minutes = new Map<string, { readonly since: number; count: number }>()

  constructor(options: RateLimitOptions) {
    this.#options = options
  }

  /** Counts one more. Gives the seconds to wait where that is too many. @example const wait = limit.take(addressKey(address)) */
  take(key: string): number | undefined {
    const { perMinute, tracked, now } = this.#options
    const at = now()
    this.#forget(at)
    const counted = this.#minutes.has(key) || this.#minutes.size < tracked ? key : overflowKey
    const minute = this.#minutes.get(counted) ?? { since: at, count: 0 }
    this.#minutes.set(counted, minute)
    if (minute.count >= perMinute) return Math.max(1, Math.ceil((minute.since + windowMs - at) / 1000))
    minute.count++
    return undefined
  }

  #forget(at: number): void {
    for (const [key, { since }] of this.#minutes) {
      // a clock that was set back ends every minute
      if (at >= since && at - since < windowMs) return
      this.#minutes.delete(key)
    }
  }
}
