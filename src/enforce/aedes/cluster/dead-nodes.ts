/** Dead nodes: each of their wills is sent by one of the others, under what its owner may do now (docs/semantics.md 3.7). */
import { sendStaleWill } from '../stale-will.ts'
import type { ClusterPersistence } from './cluster-persistence.ts'

export class DeadNodes {
  readonly #persistence: ClusterPersistence
  readonly #presenceMs: number
  #steadySince = 0
  #lastBeat = 0
  #isSending = false

  /** `presenceMs`: how long a node that says nothing is taken for alive. */
  constructor(persistence: ClusterPersistence, presenceMs: number) {
    this.#persistence = persistence
    this.#presenceMs = presenceMs
  }

  /**
   * To be told with every beat of this node which nodes are alive. Where Redis, or this node, has just been away, others may not have had
   * the time to say that they are: nobody is dead then.
   */
  beat(alive: readonly string[], nowMs: number): void {
    if (nowMs - this.#lastBeat >= this.#presenceMs) this.#steadySince = nowMs
    this.#lastBeat = nowMs
    if (nowMs - this.#steadySince < this.#presenceMs || this.#isSending) return
    this.#isSending = true
    this.#send(Object.fromEntries(alive.map(node => [node, true])))
      // Redis went away: what was not sent is found again
      .catch(() => undefined)
      .finally(() => {
        this.#isSending = false
      })
  }

  async #send(alive: Readonly<Record<string, unknown>>): Promise<void> {
    for await (const will of this.#persistence.willsBut(alive)) {
      if (await this.#persistence.claimWill(will)) await sendStaleWill(this.#persistence.broker, will)
    }
  }
}
