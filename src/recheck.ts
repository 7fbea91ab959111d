/**
 * Recheck: after a new policy, CA or CRL, authenticate and bind are run again on every session, live and kept (docs/semantics.md 4.1,
 * 4.2). A live session decides by what is in force at once; going through all of them leaves the event loop to others now and then.
 */
import { inSlices } from './bind/in-slices.ts'
import { type Problem, problem } from './problem.ts'

/** Until a store that failed is asked again. */
const retryMs = 5_000

interface Sessions {
  readonly live: () => readonly { readonly hasLeft: boolean; keepUp(): void }[]
  readonly kept: { readonly clientIds: readonly string[]; mappingOf(clientId: string): unknown }
  /** Ends a kept session where, when its turn comes, it still may not stay. */
  readonly end: (clientId: string, mayStay: () => boolean) => Promise<void>
  /** Moves whenever a kept session may be another's. */
  readonly epoch: () => number
  /** Told when sessions could not be ended. They are nobody's meanwhile: nothing is sent to them, and nobody resumes them. */
  readonly alarm: (problem: Problem) => void
}

export class Recheck {
  readonly #sessions: Sessions
  #count = 0
  #checking: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  /** How often everybody was to be looked at again: a live session follows what is in force by it. */
  get count(): number {
    return this.#count
  }

  /** Resolves when it is known who everybody is now; undefined where it is. */
  get checking(): Promise<void> | undefined {
    return this.#checking
  }

  /**
   * Resolves when all have been looked at, and kept sessions that may not stay have ended; where their store failed, that is told, and
   * tried again until it does not. The first slice is done at once.
   */
  async run(): Promise<void> {
    this.#count++
    this.#checking ??= this.#checkAll().finally(() => {
      this.#checking = undefined
    })
    await this.#checking
    const { kept, end } = this.#sessions
    const mayStay = (clientId: string): boolean => kept.mappingOf(clientId) !== undefined
    const ended: string[] = []
    await inSlices(kept.clientIds, clientId => {
      if (!mayStay(clientId)) ended.push(clientId)
    })
    const ends = await Promise.allSettled(ended.map(clientId => end(clientId, () => mayStay(clientId))))
    const failures = ends.filter(one => one.status === 'rejected')
    if (failures[0] !== undefined) this.#tryAgain(failures.length, failures[0].reason)
  }

  /** Looks at nobody again by itself. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retry)
  }

  #tryAgain(count: number, reason: unknown): void {
    this.#sessions.alarm(notEnded(count, reason))
    clearTimeout(this.#retry)
    if (!this.#isClosed) this.#retry = setTimeout(() => void this.run(), retryMs).unref()
  }

  /** Until nothing has moved meanwhile. */
  async #checkAll(): Promise<void> {
    const { live, kept, epoch } = this.#sessions
    let seen: readonly [number, number] | undefined
    while (seen?.[0] !== this.#count || seen[1] !== epoch()) {
      seen = [this.#count, epoch()]
      await inSlices(live(), session => {
        if (!session.hasLeft) session.keepUp()
      })
      await inSlices(kept.clientIds, clientId => void kept.mappingOf(clientId))
    }
  }
}

function notEnded(count: number, reason: unknown): Problem {
  const why = reason instanceof Error ? reason.message : 'no reason given'
  return problem('bind/not-ended', `${count} kept sessions that may not stay could not be ended (${why})`, {
    help: 'look after the store of the broker; it is tried again by itself',
  })
}
