/** Outcome table: numbers the outcomes of one automaton, so that equal ones are one. Pure. */
import type { Rule } from '../policy/model.ts'
import { deniesOf, type Grant } from './grant.ts'
import { denyAll, type Outcome, permitBy, refusal } from './outcome.ts'

/** What the filters that match so far say. Equal standings are the same object. */
export interface Standing {
  readonly id: number
  readonly denies: number
  /** Ranks of the rules that allow, up to the first without a condition. */
  readonly allows: readonly number[]
  /** Rank of the first that allows without a condition: what comes after it changes nothing. */
  readonly settledAt: number
}

export class OutcomeTable {
  readonly list: Outcome[] = [{ permit: undefined, denies: denyAll, allows: [] }]
  readonly nothing: Standing
  /** By grant: the rank of its rule, which is lower the earlier the rule is told as a reason. */
  readonly #ranks: readonly number[]
  readonly #rules: readonly Rule[]
  readonly #isConditional: (rule: Rule) => boolean
  readonly #added = new Map<number, Standing>()
  readonly #standings = new Map<string, Standing>()
  readonly #numbers = new Map<Standing, number>()
  readonly #permits: Outcome['permit'][] = []

  constructor(grants: readonly Grant[], isConditional: (rule: Rule) => boolean) {
    const ranks = new Map<Rule, number>()
    this.#ranks = grants.map(({ rule }) => {
      const rank = ranks.get(rule) ?? ranks.size
      ranks.set(rule, rank)
      return rank
    })
    this.#rules = [...ranks.keys()]
    this.#isConditional = isConditional
    this.nothing = this.#intern(0, [], Number.POSITIVE_INFINITY)
  }

  get size(): number {
    return this.list.length
  }

  /** The rank of a grant's rule; infinite for no grant. */
  rankOf(grant: number): number {
    return this.#ranks[grant] ?? Number.POSITIVE_INFINITY
  }

  /** The standing when these grants match too. */
  add(standing: Standing, grants: readonly number[]): Standing {
    let result = standing
    for (const grant of grants) result = this.#addOne(result, this.rankOf(grant))
    return result
  }

  #addOne(standing: Standing, rank: number): Standing {
    const step = standing.id * this.#rules.length + rank
    const known = this.#added.get(step)
    if (known !== undefined) return known
    const rule = this.#rules[rank] as Rule
    const made = rule.effect === 'deny' ? this.#addDeny(standing, rule) : this.#addAllow(standing, rule, rank)
    this.#added.set(step, made)
    return made
  }

  #addDeny({ denies, allows, settledAt }: Standing, rule: Rule): Standing {
    return this.#intern(denies | deniesOf(rule), allows, settledAt)
  }

  #addAllow(standing: Standing, rule: Rule, rank: number): Standing {
    const { denies, allows } = standing
    if (rank > standing.settledAt || allows.includes(rank)) return standing
    const settledAt = this.#isConditional(rule) ? standing.settledAt : rank
    const kept = [...allows, rank].filter(one => one <= settledAt).sort((a, b) => a - b)
    return this.#intern(denies, kept, settledAt)
  }

  /** Number of the outcome of a topic for which nothing else matches. */
  of(standing: Standing): number {
    if (standing.denies === denyAll || standing.allows.length === 0) return refusal
    const known = this.#numbers.get(standing)
    if (known !== undefined) return known
    const allows = standing.allows.map(rank => {
      const rule = this.#rules[rank] as Rule
      this.#permits[rank] ??= permitBy(rule)
      return { rule, permit: this.#permits[rank] }
    })
    const isSettled = standing.denies === 0 && standing.allows[0] === standing.settledAt
    const permit = isSettled ? allows[0]?.permit : undefined
    const number = this.list.push({ permit, denies: standing.denies, allows }) - 1
    this.#numbers.set(standing, number)
    return number
  }

  #intern(denies: number, allows: readonly number[], settledAt: number): Standing {
    const key = `${denies} ${allows.join(' ')}`
    const known = this.#standings.get(key)
    if (known !== undefined) return known
    const made: Standing = { id: this.#standings.size, denies, allows, settledAt }
    this.#standings.set(key, made)
    return made
  }
}
