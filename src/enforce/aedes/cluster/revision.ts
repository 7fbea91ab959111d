/**
 * Revision: how far this node has read what nodes change. Whoever waits for it decides by everything that had been changed, and answered,
 * before: a message that is published behind a SUBACK is for whom got that SUBACK, on whichever nodes.
 */
import type { Redis } from 'ioredis'
import { inTime } from './in-time.ts'

interface Waiting {
  readonly wanted: number
  readonly resolve: () => void
}

export class Revision {
  readonly #redis: Redis
  readonly #key: string
  readonly #waiting = new Set<Waiting>()
  #read = 0
  #asking: Promise<number> | undefined

  /** `key`: where Redis counts the changes. */
  constructor(redis: Redis, key: string) {
    this.#redis = redis
    this.#key = key
  }

  /** The number of changes so far, according to Redis. Those who ask in one turn ask once. */
  newest(): Promise<number> {
    this.#asking ??= Promise.resolve().then(async () => {
      this.#asking = undefined
      const before = this.#read
      const newest = Number((await this.#redis.get(this.#key)) ?? 0)
      // a Redis that has lost everything counts from the beginning
      if (newest < before) this.#read = newest
      return newest
    })
    return this.#asking
  }

  /** Resolves when every change before the call has been read; rejects where Redis does not answer, or that takes too long. */
  async reached(): Promise<void> {
    const wanted = await this.newest()
    if (wanted <= this.#read) return
    let resolve = (): void => undefined
    const isRead = new Promise<void>(done => {
      resolve = done
    })
    const waiting = { wanted, resolve }
    this.#waiting.add(waiting)
    await inTime(isRead, 'what other nodes have changed was not heard of').finally(() => this.#waiting.delete(waiting))
  }

  /** Every change up to this one has been read. */
  note(revision: number): void {
    if (revision <= this.#read) return
    this.#read = revision
    for (const { wanted, resolve } of this.#waiting) if (wanted <= revision) resolve()
  }

  /** This change is of this node, and has been read; those of others before it may not have been. */
  noteOwn(revision: number): void {
    if (revision === this.#read + 1) this.note(revision)
  }
}
