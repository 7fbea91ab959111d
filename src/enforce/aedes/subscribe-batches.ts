/**
 * aedes asks its persistence to store a whole SUBSCRIBE once per permitted filter, the refused ones included. A batch makes
 * one call of these, with the permitted filters only, when the last of them is decided.
 */
import type { AedesSubscription } from './shape.ts'

interface Batch {
  readonly undecided: Set<AedesSubscription>
  readonly stored: Promise<unknown>
  readonly complete: () => void
}

export class SubscribeBatches {
  readonly #verdicts = new WeakMap<AedesSubscription, boolean>()
  readonly #batches = new WeakMap<readonly AedesSubscription[], Batch>()
  readonly #batchOf = new WeakMap<AedesSubscription, Batch>()

  /** The verdict on one filter of a SUBSCRIBE. */
  decided(subscription: AedesSubscription, isGranted: boolean): void {
    this.#verdicts.set(subscription, isGranted)
    const batch = this.#batchOf.get(subscription)
    if (batch === undefined) return
    batch.undecided.delete(subscription)
    if (batch.undecided.size === 0) batch.complete()
  }

  /** Stores a SUBSCRIBE; every call for the same one gets the same promise. */
  store(subscriptions: AedesSubscription[], add: (granted: AedesSubscription[]) => Promise<unknown>): Promise<unknown> {
    const known = this.#batches.get(subscriptions)
    if (known !== undefined) return known.stored
    const undecided = new Set(subscriptions.filter(one => !this.#verdicts.has(one)))
    let complete = (): void => undefined
    const decided = new Promise<void>(resolve => {
      complete = resolve
    })
    const stored = decided.then(() => add(subscriptions.filter(one => this.#verdicts.get(one) === true)))
    const batch = { undecided, stored, complete }
    this.#batches.set(subscriptions, batch)
    for (const one of undecided) this.#batchOf.set(one, batch)
    if (undecided.size === 0) complete()
    return stored
  }
}
