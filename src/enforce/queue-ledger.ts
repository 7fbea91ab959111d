/** Queue ledger: how much waits for the sessions of each identity, so that no store grows without bound (docs/semantics.md 5.3). */
export interface QueueBounds {
  readonly queuedMessages: number
  readonly queuedBytes: number
}

interface Amount {
  messages: number
  bytes: number
}

export class QueueLedger {
  readonly #bounds: QueueBounds
  readonly #byIdentity = new Map<string, Amount>()
  readonly #byClient = new Map<string, Amount & { readonly identityKey: string }>()

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds
  }

  /** Notes one more message for a session; false, and nothing noted, where its identity's queues are full. */
  add(clientId: string, identityKey: string, bytes: number): boolean {
    const total = this.#byIdentity.get(identityKey) ?? { messages: 0, bytes: 0 }
    const isFull = total.messages + 1 > this.#bounds.queuedMessages || total.bytes + bytes > this.#bounds.queuedBytes
    if (isFull) return false
    this.count(clientId, identityKey, bytes)
    return true
  }

  /** Notes a message that is in a queue already, whatever the bounds are now: nobody takes it out again. */
  count(clientId: string, identityKey: string, bytes: number): void {
    let own = this.#byClient.get(clientId)
    if (own !== undefined && own.identityKey !== identityKey) this.forget(clientId)
    own = this.#byClient.get(clientId) ?? { messages: 0, bytes: 0, identityKey }
    const total = this.#byIdentity.get(identityKey) ?? { messages: 0, bytes: 0 }
    this.#byClient.set(clientId, own)
    this.#byIdentity.set(identityKey, total)
    for (const amount of [own, total]) {
      amount.messages++
      amount.bytes += bytes
    }
  }

  /** One message of that size has left. */
  remove(clientId: string, bytes: number): void {
    const own = this.#byClient.get(clientId)
    // what was queued before the guard stood was never counted
    if (own === undefined || own.messages === 0) return
    this.#subtract(own, 1, Math.min(bytes, own.bytes))
    if (own.messages === 0) this.forget(clientId)
  }

  /** How much waits for a session; what was queued before the guard stood is not counted. */
  waiting(clientId: string): { readonly messages: number; readonly bytes: number } {
    const { messages = 0, bytes = 0 } = this.#byClient.get(clientId) ?? {}
    return { messages, bytes }
  }

  /** The whole queue of that session is gone. */
  forget(clientId: string): void {
    const own = this.#byClient.get(clientId)
    if (own === undefined) return
    this.#subtract(own, own.messages, own.bytes)
    this.#byClient.delete(clientId)
  }

  #subtract(own: Amount & { readonly identityKey: string }, messages: number, bytes: number): void {
    own.messages -= messages
    own.bytes -= bytes
    const total = this.#byIdentity.get(own.identityKey)
    if (total === undefined) return
    total.messages -= messages
    total.bytes -= bytes
    if (total.messages === 0) this.#byIdentity.delete(own.identityKey)
  }
}
