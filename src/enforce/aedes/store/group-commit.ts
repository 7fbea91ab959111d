/**
 * Group commit: a key-value store whose writes are flushed to the disk (fsync), all that come while one flush is under way
 * together in the next. A flush is one batch: after a crash all of it is there, or none. Reads see what waits.
 */

/** The part of `abstract-level` that is used; keys are strings and values buffers. */
export interface KeyValueStore {
  get(key: string, options: object): Promise<Buffer | undefined>
  batch(operations: Operation[], options: object): Promise<void>
  values(range: Range): AsyncIterable<Buffer>
  keys(range: Range): AsyncIterable<string>
  close(): Promise<void>
}

export type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: string }

interface Range {
  readonly gte: string
  readonly lt: string
}

interface Group {
  readonly operations: Operation[]
  readonly flushed: Promise<void>
}

const buffers = { valueEncoding: 'buffer' }

export class GroupCommit {
  readonly #store: KeyValueStore
  /** What comes next: nothing of it has been handed to the store. */
  #next: Group | undefined
  /** The last flush that was begun. */
  #last: Promise<void> = Promise.resolve()
  /** The last operation on each key that is not flushed. */
  readonly #waiting = new Map<string, Operation>()
  #isClosed = false

  constructor(store: KeyValueStore) {
    this.#store = store
  }

  /** Resolves when the operations are on the disk; they become part of one flush, in their order. */
  write(operations: readonly Operation[]): Promise<void> {
    if (operations.length === 0) return Promise.resolve()
    this.#next ??= this.#openGroup()
    for (const operation of operations) {
      this.#next.operations.push(operation)
      this.#waiting.set(operation.key, operation)
    }
    return this.#next.flushed
  }

  /** As `write`, for what a crash may take: nobody waits for it. Where it fails, `settled` says so. */
  writeLater(operations: readonly Operation[]): void {
    this.write(operations).catch(() => undefined)
  }

  /** Resolves when everything that has been written up to now is on the disk; rejects where the last flush failed. */
  settled(): Promise<void> {
    return this.#next?.flushed ?? this.#last
  }

  async get(key: string): Promise<Buffer | undefined> {
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) return waiting.type === 'put' ? waiting.value : undefined
    return await this.#store.get(key, buffers)
  }

  async *values(range: Range): AsyncGenerator<Buffer> {
    await this.#quiet()
    try {
      if (!this.#isClosed) yield* this.#store.values({ ...range, ...buffers })
    } catch (error) {
      // whoever still reads when the broker stops has no more to come
      if (!this.#isClosed) throw error
    }
  }

  async clear(range: Range): Promise<void> {
    await this.#quiet()
    const operations: Operation[] = []
    for await (const key of this.#store.keys(range)) operations.push({ type: 'del', key })
    await this.write(operations)
  }

  async close(): Promise<void> {
    await this.#quiet()
    this.#isClosed = true
    await this.#store.close()
  }

  /** Nothing is on its way any more; a flush that failed has been told to whoever wrote. */
  async #quiet(): Promise<void> {
    await this.settled().catch(() => undefined)
  }

  #openGroup(): Group {
    const operations: Operation[] = []
    const flush = (): Promise<void> => this.#flush(operations)
    const flushed = this.#last.then(flush, flush)
    // those who wait have their own handlers
    flushed.catch(() => undefined)
    this.#last = flushed
    return { operations, flushed }
  }

  async #flush(operations: Operation[]): Promise<void> {
    this.#next = undefined
    try {
      await this.#store.batch(operations, { ...buffers, sync: true })
    } finally {
      for (const operation of operations) {
        if (this.#waiting.get(operation.key) === operation) this.#waiting.delete(operation.key)
      }
    }
  }
}
