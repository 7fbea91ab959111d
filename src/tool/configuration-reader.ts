/**
 * Reads the values of a configuration file from Nodes (strict YAML with places), and writes down every mistake, so that one
 * run tells all of them. A getter that reports a mistake returns undefined.
 */

import { didYouMean } from '../policy/nearest-name.ts'
import type { Entry, MapNode, Node } from '../policy/node.ts'
import { type Problem, type ProblemCode, problem, type Where } from '../problem.ts'

/** The mistakes of one file. */
export class Mistakes {
  readonly all: Problem[] = []

  add(code: ProblemCode, sentence: string, where: Where, help?: string): undefined {
    this.all.push(problem(code, sentence, { where, help }))
    return undefined
  }
}

/** One map of the file. `path` is how a person would name it, such as `issuers.acme`; empty for the file itself. */
export class Section {
  readonly path: string
  readonly where: Where
  readonly #entries: ReadonlyMap<string, Entry>
  readonly #mistakes: Mistakes

  constructor(path: string, node: MapNode, mistakes: Mistakes) {
    this.path = path
    this.where = node.where
    this.#entries = new Map(node.entries.map(entry => [entry.key.text, entry]))
    this.#mistakes = mistakes
  }

  get keys(): readonly string[] {
    return [...this.#entries.keys()]
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Where the key stands, or this section where it does not. */
  whereOf(key: string): Where {
    return this.#entries.get(key)?.key.where ?? this.where
  }

  /** Reports every key that is not among these. */
  allow(...known: readonly string[]): this {
    for (const { key } of this.#entries.values()) {
      if (known.includes(key.text)) continue
      const place = this.path === '' ? '' : ` under \`${this.path}\``
      this.#mistakes.add(
        'config/unknown-key',
        `unknown key \`${key.text}\`${place}`,
        key.where,
        didYouMean(key.text, known, 'keys'),
      )
    }
    return this
  }

  /** Reports a key that must be there and is not. */
  require(key: string, help: string): void {
    if (!this.has(key)) this.#mistakes.add('config/missing-key', `\`${this.name(key)}\` is missing`, this.where, help)
  }

  section(key: string): Section | undefined {
    const node = this.#value(key)
    if (node === undefined) return undefined
    if (node.kind === 'map') return new Section(this.name(key), node, this.#mistakes)
    return this.bad(key, 'a map', 'write its keys on the lines below, indented')
  }

  text(key: string): string | undefined {
    const node = this.#value(key)
    if (node === undefined) return undefined
    return node.kind === 'text' && node.text !== '' ? node.text : this.bad(key, 'one text')
  }

  /** One of these words. */
  word<T extends string>(key: string, words: readonly T[]): T | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const found = words.find(word => word === text)
    return found ?? this.bad(key, words.map(word => `\`${word}\``).join(' or '), didYouMean(text, words, 'values'))
  }

  /** A whole number in decimal digits. */
  number(key: string, minimum: number, maximum: number): number | undefined {
    const text = this.text(key)
    if (text === undefined) return undefined
    const value = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN
    return value >= minimum && value <= maximum ? value : this.bad(key, `a whole number from ${minimum} to ${maximum}`)
  }

  /** A list of texts that is not empty. */
  texts(key: string): readonly string[] | undefined {
    const node = this.#value(key)
    if (node === undefined) return undefined
    const items = node.kind === 'list' ? node.items : []
    const texts = items.flatMap(item => (item.kind === 'text' && item.text !== '' ? [item.text] : []))
    if (texts.length > 0 && texts.length === items.length) return texts
    if (items.some(item => item.kind === 'broken')) return undefined
    return this.bad(key, 'a list of texts', `write ${key}: [one, two]`)
  }

  /** Reports that the value of a key is not of that form. */
  bad(key: string, form: string, help?: string): undefined {
    const where = this.#entries.get(key)?.value.where ?? this.where
    return this.#mistakes.add('config/bad-value', `\`${this.name(key)}\` must be ${form}`, where, help)
  }

  /** How a person would name a key of this section. */
  name(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`
  }

  #value(key: string): Exclude<Node, { kind: 'broken' }> | undefined {
    const node = this.#entries.get(key)?.value
    return node === undefined || node.kind === 'broken' ? undefined : node
  }
}
