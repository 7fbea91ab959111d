/** Names: what a set defines under names of one kind, over all its files. A name defined twice is a mistake. Pure. */
import type { Text } from './node.ts'
import type { Report } from './report.ts'

export class Names<T> {
  readonly #kind: string
  readonly #report: Report
  readonly #defined = new Map<string, { readonly key: Text; readonly value: T | undefined }>()

  constructor(kind: string, report: Report) {
    this.#kind = kind
    this.#report = report
  }

  /** Defines a name; a value of undefined is broken, but its name is known. */
  define(key: Text, value: T | undefined): void {
    const first = this.#defined.get(key.text)?.key.where
    if (first === undefined) {
      this.#defined.set(key.text, { key, value })
      return
    }
    this.#report.add(
      'policy/duplicate-name',
      `the ${this.#kind} \`${key.text}\` is defined twice, first at ${first.file}:${first.line}`,
      key.where,
      'rename one of the two, or merge them',
    )
  }

  has(name: string): boolean {
    return this.#defined.has(name)
  }

  get(name: string): T | undefined {
    return this.#defined.get(name)?.value
  }

  keys(): readonly string[] {
    return [...this.#defined.keys()]
  }

  /** What could be read, in the order of definition. */
  values(): readonly T[] {
    return [...this.#defined.values()].map(entry => entry.value).filter(value => value !== undefined)
  }
}
