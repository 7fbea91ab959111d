/** Reload on request: everything is read anew, one run after the other, and what came of it is told in one line. */
import { problem } from '../../problem.ts'
import type { Trace, TraceEvent } from '../../trace.ts'

const refusals: ReadonlySet<TraceEvent['event']> = new Set(['alarm', 'policy-refused', 'candidate-refused'])

export class Reloader {
  readonly #tell: Trace
  #running: Promise<void> | undefined
  #isAskedAgain = false
  #refused = 0

  /** `tell`: takes what came of it, and hands it to `trace` among all else. */
  constructor(tell: Trace) {
    this.#tell = tell
  }

  /** Takes every event of the broker: what is refused during a run is of that run. */
  readonly trace: Trace = event => {
    if (this.#running !== undefined && refusals.has(event.event)) this.#refused++
  }

  /** Asked again during a run, it runs once more after it, however often it was asked. */
  run(reload: () => Promise<void>): Promise<void> {
    if (this.#running !== undefined) {
      this.#isAskedAgain = true
      return this.#running
    }
    this.#running = this.#runAll(reload).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #runAll(reload: () => Promise<void>): Promise<void> {
    // not before `run` knows of this
    await Promise.resolve()
    do {
      this.#isAskedAgain = false
      this.#refused = 0
      await reload().catch((error: unknown) => {
        const sentence = error instanceof Error ? error.message : 'unknown error'
        this.#tell({ event: 'alarm', problem: problem('enforce/internal', `the reload failed: ${sentence}`) })
      })
      this.#tell({ event: 'reloaded', refused: this.#refused })
    } while (this.#isAskedAgain)
  }
}
