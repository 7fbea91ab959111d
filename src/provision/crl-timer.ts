/**
 * Keeps the CRLs of an authority fresh while it runs: writes them at the start, at every interval, and when they have fallen
 * behind the ledger. A writing that fails is told and tried again. Clock, timer and writing are the caller's.
 */

export interface CrlTimerOptions {
  readonly everyMs: number
  readonly now: () => number
  /** Calls back once, after so many milliseconds. */
  readonly timer: { set(run: () => void, ms: number): unknown; clear(handle: unknown): void }
  /** Writes every CRL; what it says is told. */
  readonly write: () => Promise<string>
  /** Whether the ledger has revoked something that a CRL does not list. */
  readonly isBehind: () => Promise<boolean>
  readonly tell: (line: string, tone: 'plain' | 'bad') => void
  /** What a failure is told as. */
  readonly sentenceOf: (error: unknown) => string
}

/** The clock is looked at this often: it may be set, and a machine that slept does not count the time. */
const longestWaitMs = 60_000

/**
 * Use `start`, `changed` and `stop`; one thing is done at a time.
 * @example const timer = new CrlTimer({ everyMs: 12 * 3_600_000, now: Date.now, timer, write, isBehind, tell, sentenceOf })
 */
export class CrlTimer {
  readonly #options: CrlTimerOptions
  /** When the CRLs were written last; undefined where they must be written at the next opportunity. */
  #writtenAt: number | undefined
  #handle: unknown
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: CrlTimerOptions) {
    this.#options = options
  }

  /** Resolves once the first writing is done, or has failed. */
  start(): Promise<void> {
    return this.#enqueue(() => this.#write())
  }

  /** The ledger has changed, or may have. */
  changed(): Promise<void> {
    return this.#enqueue(async () => {
      if (await this.#options.isBehind()) await this.#write()
    })
  }

  /** Resolves once nothing is being written any more. */
  stop(): Promise<void> {
    this.#stopped = true
    this.#options.timer.clear(this.#handle)
    return this.#running
  }

  /** A clock that was set back makes what was written look as if it were of tomorrow: written anew. */
  #isDue(): boolean {
    const elapsed = this.#writtenAt === undefined ? undefined : this.#options.now() - this.#writtenAt
    return elapsed === undefined || elapsed < 0 || elapsed >= this.#options.everyMs
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#running = this.#running.then(async () => {
      if (this.#stopped) return
      this.#options.timer.clear(this.#handle)
      await work().catch((error: unknown) => this.#failed(error))
      if (!this.#stopped) this.#wait()
    })
    return this.#running
  }

  async #write(): Promise<void> {
    const at = this.#options.now()
    const line = await this.#options.write()
    this.#writtenAt = at
    this.#options.tell(line, 'plain')
  }

  #failed(error: unknown): void {
    this.#writtenAt = undefined
    const { sentenceOf, tell, everyMs } = this.#options
    const seconds = Math.ceil(Math.min(everyMs, longestWaitMs) / 1000)
    tell(`the CRL was not written: ${sentenceOf(error)}; the next try is in ${seconds} s`, 'bad')
  }

  #wait(): void {
    const { everyMs, now, timer } = this.#options
    const left = this.#writtenAt === undefined ? everyMs : this.#writtenAt + everyMs - now()
    const wait = Math.max(1, Math.min(left, longestWaitMs))
    this.#handle = timer.set(() => void this.#enqueue(() => this.#tick()), wait)
  }

  async #tick(): Promise<void> {
    if (this.#isDue() || (await this.#options.isBehind())) await this.#write()
  }
}
