/** The newest time that a CA has written down: however a clock is set, it is that late at least (docs/semantics.md 4.5). */
import { type Problem, problem } from '../problem.ts'

/** What remembers that time beyond the process. */
export interface TimeMemory {
  /** Milliseconds since 1970; 0 where nothing is remembered. */
  read(): Promise<number>
  /** Resolves when it lasts. A time that is earlier than what is remembered changes nothing. */
  write(ms: number): Promise<void>
}

export class NewestTime {
  readonly #memory: TimeMemory | undefined
  /** Milliseconds since 1970. */
  #ms = 0
  #kept = 0

  /** Without a memory it knows what this process sees. */
  constructor(memory?: TimeMemory) {
    this.#memory = memory
  }

  get ms(): number {
    return this.#ms
  }

  /** What time it is at least, when a clock shows `nowMs`. */
  judged(nowMs: number): number {
    return Math.max(nowMs, this.#ms)
  }

  saw(ms: number): void {
    this.#ms = Math.max(this.#ms, ms)
  }

  /** Reads what was remembered. Returns why it cannot be: without it nobody is locked out. */
  async recall(): Promise<Problem | undefined> {
    try {
      const ms = (await this.#memory?.read()) ?? 0
      if (!Number.isSafeInteger(ms) || ms < 0) throw new Error('it is no time')
      this.#kept = ms
      this.saw(ms)
      return undefined
    } catch (error) {
      return notKept('read', error)
    }
  }

  /** Writes down what was seen since. */
  async keep(): Promise<Problem | undefined> {
    const ms = this.#ms
    if (this.#memory === undefined || ms <= this.#kept) return undefined
    try {
      await this.#memory.write(ms)
      this.#kept = ms
      return undefined
    } catch (error) {
      return notKept('written', error)
    }
  }
}

function notKept(what: string, error: unknown): Problem {
  const { code, message = 'no reason given' } = error as { code?: string; message?: string }
  return problem('accept/time-not-kept', `the time of the newest CRL cannot be ${what} (${code ?? message})`, {
    help: 'look after the store of the broker: a clock that is set back while it is down goes unnoticed',
  })
}
