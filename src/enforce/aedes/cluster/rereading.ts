/**
 * Rereading: what a node reads anew each time that Redis was away, because it was not told of changes meanwhile. Redis may go away again in the
 * middle of it; what could not be read then is tried again, or the node would go on with what is no longer so.
 */
export class Rereading {
  readonly #read: () => Promise<unknown>
  #isDue = false

  constructor(read: () => Promise<unknown>) {
    this.#read = read
  }

  begin(): void {
    this.#isDue = false
    this.#read().catch(() => {
      this.#isDue = true
    })
  }

  /** Where the last one failed. */
  tryAgain(): void {
    if (this.#isDue) this.begin()
  }
}
