import type { Where } from '../problem.ts'

/** Thrown within a proof that is given up, and caught where it began: never a verdict. */
export class TooComplex extends Error {
  override readonly name: string = 'TooComplex'
  /** Of the rule that was looked at. */
  readonly where: Where | undefined

  constructor(message: string, where?: Where) {
    super(message)
    this.where = where
  }
}

/** What a problem says of where it was given up. */
export function placeOf({ where }: TooComplex): { readonly where?: Where } {
  return where === undefined ? {} : { where }
}

/** Names the place in a `TooComplex` that `ask` throws. */
export function asking<T>(where: Where, ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    throw error instanceof TooComplex ? new TooComplex(error.message, error.where ?? where) : error
  }
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
