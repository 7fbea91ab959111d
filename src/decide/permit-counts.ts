/**
 * Permit counts: how often each rule permitted each action. Every permit of every session passes here, so a count is one look-up
 * and one addition; words are made of it only when somebody asks. Pure.
 */
import type { RuleRef, TracedAction } from '../trace.ts'

/** What a bound session may be permitted; a CONNECT is counted where it is told. */
export type PermittedVerb = Exclude<TracedAction['verb'], 'connect'>

export interface PermitCount {
  readonly action: PermittedVerb
  /** `plant.yaml:12`: file and line of the first determining rule, or `other`. */
  readonly rule: string
  readonly count: number
}

type Cell = Record<PermittedVerb, number>

const verbs: readonly PermittedVerb[] = ['publish', 'will', 'subscribe', 'receive']
/** Rules beyond this are counted together: each edit of a policy may move all of them to other lines. */
const defaultMostRules = 500
const otherRules = 'other'

/**
 * @example
 * const counts = new PermitCounts()
 * counts.add('publish', decision.rules)
 */
export class PermitCounts {
  readonly #mostRules: number
  /** By place: a rule of the next revision that stands where one of this stands goes on counting. */
  readonly #cells = new Map<string, Cell>()
  /** By rule: those of a policy set are the same objects while it is in force, and must not be kept from being collected after. */
  readonly #known = new WeakMap<object, Cell>()

  constructor(mostRules: number = defaultMostRules) {
    this.#mostRules = mostRules
  }

  /** Counts one permit, under the first of the rules that determined it. */
  add(verb: PermittedVerb, rules: readonly RuleRef[]): void {
    const rule = rules[0]
    const cell = (rule && this.#known.get(rule)) ?? this.#cellOf(rule)
    // four fields by name: `cell[verb]++` costs several times as much
    switch (verb) {
      case 'receive':
        cell.receive++
        break
      case 'publish':
        cell.publish++
        break
      case 'subscribe':
        cell.subscribe++
        break
      default:
        cell.will++
    }
  }

  /** Every count above zero. */
  *all(): Generator<PermitCount> {
    for (const [rule, cell] of this.#cells) {
      for (const action of verbs) if (cell[action] > 0) yield { action, rule, count: cell[action] }
    }
  }

  #cellOf(rule: RuleRef | undefined): Cell {
    const place = rule === undefined ? otherRules : placeOf(rule)
    const label = this.#cells.has(place) || this.#cells.size < this.#mostRules ? place : otherRules
    const cell = this.#cells.get(label) ?? { publish: 0, will: 0, subscribe: 0, receive: 0 }
    this.#cells.set(label, cell)
    if (rule !== undefined) this.#known.set(rule, cell)
    return cell
  }
}

function placeOf({ where }: RuleRef): string {
  return where.line === undefined ? where.file : `${where.file}:${where.line}`
}
