/** A trie of filters with unknown values, to find the few of many that may meet a given one. Pure. */
import type { StepBudget } from './too-complex.ts'
import { admits, type SymbolicLevel, type Variable } from './variable.ts'

interface Node<T> {
  readonly literals: Map<string, Node<T>>
  readonly variables: Map<Variable, Node<T>>
  readonly ends: T[]
}

const newNode = <T>(): Node<T> => ({ literals: new Map(), variables: new Map(), ends: [] })

export class FilterIndex<T> {
  readonly #root: Node<T> = newNode()
  readonly #budget: StepBudget

  constructor(budget: StepBudget) {
    this.#budget = budget
  }

  add(levels: readonly SymbolicLevel[], value: T): void {
    this.#budget.spend()
    let node = this.#root
    for (const level of levels) {
      const children: Map<SymbolicLevel, Node<T>> = typeof level === 'string' ? node.literals : node.variables
      const child = children.get(level) ?? newNode<T>()
      children.set(level, child)
      node = child
    }
    node.ends.push(value)
  }

  /** All that may meet the filter, and some that do not: what must be equal is not looked at. */
  *candidates(levels: readonly SymbolicLevel[]): Generator<T> {
    yield* this.#walk(this.#root, levels, 0)
  }

  *#walk(node: Node<T>, levels: readonly SymbolicLevel[], at: number): Generator<T> {
    this.#budget.spend()
    const level = levels[at]
    if (level === '#') {
      yield* this.#all(node)
      return
    }
    yield* node.literals.get('#')?.ends ?? []
    if (level === undefined) yield* node.ends
    else for (const child of fitting(node, level)) yield* this.#walk(child, levels, at + 1)
  }

  *#all(node: Node<T>): Generator<T> {
    this.#budget.spend()
    yield* node.ends
    for (const child of node.literals.values()) yield* this.#all(child)
    for (const child of node.variables.values()) yield* this.#all(child)
  }
}

function* fitting<T>({ literals, variables }: Node<T>, level: SymbolicLevel): Generator<Node<T>> {
  if (typeof level === 'string' && level !== '+') {
    const [same, plus] = [literals.get(level), literals.get('+')]
    if (same !== undefined) yield same
    if (plus !== undefined) yield plus
    for (const [variable, child] of variables) if (admits(variable, level)) yield child
    return
  }
  for (const [literal, child] of literals)
    if (literal !== '#' && (literal === '+' || typeof level === 'string' || admits(level, literal))) yield child
  yield* variables.values()
}
