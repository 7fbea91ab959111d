/**
 * Change teller: says what each change of the policy in force means, after it has come into force and beside the broker's work.
 * One comparison at a time, in order; what changes meanwhile is told as one change, from what was told last.
 */
import { Worker } from 'node:worker_threads'
import { problem } from '../../problem.ts'
import type { LoadedPolicy } from '../../source/folder.ts'
import type { Trace } from '../../trace.ts'
import type { Comparison } from './change-worker.ts'

const comparisonSeconds = 60
const mostLines = 8

export class ChangeTeller {
  readonly #trace: Trace
  #told: LoadedPolicy
  #newest: LoadedPolicy
  #worker: Worker | undefined
  #isClosed = false

  /** `inForce`: what the first change is compared with. */
  constructor(inForce: LoadedPolicy, trace: Trace) {
    this.#told = inForce
    this.#newest = inForce
    this.#trace = trace
  }

  /** A policy has come into force. */
  follow(next: LoadedPolicy): void {
    this.#newest = next
    if (this.#worker === undefined) this.#compare()
  }

  /** Ends a comparison that is under way; nothing is told after that. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#worker?.terminate()
  }

  #compare(): void {
    const before = this.#told
    const after = this.#newest
    if (this.#isClosed || before.revision === after.revision) return
    const comparison: Comparison = { before: before.set, after: after.set }
    const worker = new Worker(new URL('./change-worker.js', import.meta.url), { workerData: comparison })
    this.#worker = worker
    const late = [`the comparison was given up after ${comparisonSeconds} s`]
    const timer = setTimeout(() => finish(late), comparisonSeconds * 1000)
    const finish = (lines: readonly string[]): void => {
      if (this.#worker !== worker) return
      clearTimeout(timer)
      this.#worker = undefined
      void worker.terminate()
      if (this.#isClosed) return
      this.#told = after
      const change = { before: before.revision, revision: after.revision, more: Math.max(0, lines.length - mostLines) }
      this.#trace({ event: 'policy-changed', ...change, changes: lines.slice(0, mostLines) })
      this.#compare()
    }
    worker.once('message', (lines: readonly string[]) => finish(lines))
    worker.once('error', error => {
      this.#trace({ event: 'alarm', problem: problem('enforce/internal', `no comparison: ${error.message}`) })
      finish(['the two policies could not be compared'])
    })
  }
}
