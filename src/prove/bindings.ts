/** What must hold of unknown values for something to happen: which are equal, to each other or to a text. Pure. */
import { admits, meetVariables, type SymbolicLevel, type Variable } from './variable.ts'

/** Grows by `equate`; a failed one leaves it unusable, since nothing can make it true again. */
export class Bindings {
  readonly #to = new Map<Variable, SymbolicLevel>()

  /** What is known of a level: a text, `+`, `#`, or the variable that stands for all equal ones. */
  resolve(level: SymbolicLevel): SymbolicLevel {
    let found = level
    while (typeof found !== 'string') {
      const next = this.#to.get(found)
      if (next === undefined) return found
      found = next
    }
    return found
  }

  /** Makes two literals or variables equal; false where they cannot be. */
  equate(a: SymbolicLevel, b: SymbolicLevel): boolean {
    const [x, y] = [this.resolve(a), this.resolve(b)]
    if (x === y) return true
    if (typeof x === 'string') return typeof y !== 'string' && this.#bind(y, x)
    if (typeof y === 'string') return this.#bind(x, y)
    const both = meetVariables(x, y)
    if (both === undefined) return false
    this.#to.set(x, both)
    this.#to.set(y, both)
    return true
  }

  #bind(variable: Variable, text: string): boolean {
    if (!admits(variable, text)) return false
    this.#to.set(variable, text)
    return true
  }
}
