/** Live entry: a session that has its place, and who waits for it to be free. */
export class LiveEntry<S> {
  readonly session: S
  /** Whose it was when it was admitted, as `identityKey`. */
  readonly identity: string
  #hasLeft = false
  /** Made when somebody waits: of most sessions nobody does. */
  #gone: Promise<void> | undefined
  #tell: (() => void) | undefined

  constructor(session: S, identity: string) {
    this.session = session
    this.identity = identity
  }

  /** Resolves when its connection is gone. */
  get gone(): Promise<void> {
    this.#gone ??= this.#hasLeft
      ? Promise.resolve()
      : new Promise(resolve => {
          this.#tell = resolve
        })
    return this.#gone
  }

  leave(): void {
    this.#hasLeft = true
    this.#tell?.()
  }
}
