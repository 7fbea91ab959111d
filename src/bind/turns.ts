/** Turns: tasks of one key run one after the other, in the order in which they came; different keys do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs the task when all earlier ones of its key have settled. */
  take<T>(key: string, task: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(task, task)
    const settled = turn.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(key, settled)
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    })
    return turn
  }
}
