/** A clock that stands still until it is moved; what is due on the way is called at its time. */
import type { Clock } from '../../src/observe/clock.ts'

export class ManualClock implements Clock {
  #now = 0
  readonly #due = new Map<object, { readonly at: number; readonly wake: () => void }>()

  readonly now = (): number => this.#now

  readonly after = (ms: number, wake: () => void): (() => void) => {
    const key = {}
    this.#due.set(key, { at: this.#now + ms, wake })
    return () => this.#due.delete(key)
  }

  /** How many wake-ups are waiting. */
  get waiting(): number {
    return this.#due.size
  }

  move(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const [next] = [...this.#due].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (next === undefined) break
      this.#due.delete(next[0])
      this.#now = next[1].at
      next[1].wake()
    }
    this.#now = end
  }

  /** Time passes, and no timer comes. */
  moveAsleep(ms: number): void {
    this.#now += ms
  }
}
