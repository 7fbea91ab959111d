/** Thrown within a proof that is given up, and caught where it began: never a verdict. */
export class TooComplex extends Error {
  override readonly name: string = 'TooComplex'
}

/** Counts the steps of a proof, so that no set makes it run for ever. */
export class StepBudget {
  #left: number

  constructor(steps: number) {
    this.#left = steps
  }

  /** @throws TooComplex when the steps are used up */
  spend(steps = 1): void {
    this.#left -= steps
    if (this.#left < 0) throw new TooComplex('more steps than a proof may take')
  }
}
