/**
 * Automaton: the filters of one action of a role set as a deterministic machine that reads a topic level by level. Made by
 * subset construction over a filter trie (docs/decisions/0007-compiled-decisions.md). Pure.
 */
import type { Rule } from '../policy/model.ts'
import { type FilterTrie, hasBelow, type TrieNode } from './filter-trie.ts'
import { denyAll, type Outcome, refusal } from './outcome.ts'
import { OutcomeTable, type Standing } from './outcome-table.ts'
import type { SlotPattern } from './slot-pattern.ts'

/**
 * Where an edge leads: the number of a state, or, negative, an outcome that is settled. `finalTarget` holds however the topic
 * goes on, `lastTarget` if it ends here.
 */
export type Target = number

export const finalTarget = (outcome: number): Target => ~(outcome * 2)
export const lastTarget = (outcome: number): Target => ~(outcome * 2 + 1)

export interface State {
  /** Outcome of a topic that ends here. */
  readonly end: number
  readonly labels: Map<string, Target>
  /** At most one of them fits a level, or the first that does is right. */
  readonly slots: (readonly [slot: number, target: Target])[]
  /** For a level that nothing else fits. */
  other: Target
}

export interface Automaton {
  readonly states: readonly State[]
  readonly start: Target
  /** For topics that begin with `$`, which no wildcard takes as a first level [MQTT-4.7.2-1]. */
  readonly dollarStart: Target
  readonly outcomes: readonly Outcome[]
}

/** More than this for each node of the trie, and a set is hostile: it is then decided without an automaton. */
const statesPerNode = 2
const spareStates = 20_000
const workPerNode = 40
const spareWork = 200_000
const maxOutcomes = 0xffff

/** A state that is still to get its edges. */
interface Pending {
  readonly state: State
  readonly nodes: readonly TrieNode[]
  readonly standing: Standing
}

class Builder {
  readonly states: State[] = []
  readonly outcomes: OutcomeTable
  readonly #pattern: SlotPattern
  readonly #known = new Map<string | number, number>()
  readonly #pending: Pending[] = []
  readonly #maxStates: number
  #workLeft: number

  constructor(trie: FilterTrie, pattern: SlotPattern, isConditional: (rule: Rule) => boolean) {
    this.#pattern = pattern
    this.outcomes = new OutcomeTable(trie.grants, isConditional)
    this.#maxStates = spareStates + statesPerNode * trie.nodes
    this.#workLeft = spareWork + workPerNode * trie.nodes
  }

  /** Gives all states their edges; false where that would be too many. */
  run(): boolean {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      this.#connect(next)
      if (this.#workLeft < 0 || this.states.length > this.#maxStates || this.outcomes.size > maxOutcomes) return false
    }
    return true
  }

  /** Where a topic is once it has come to these nodes. */
  arrive(nodes: readonly TrieNode[], before: Standing): Target {
    this.#workLeft -= nodes.length + 1
    let standing = before
    for (const node of nodes) standing = this.outcomes.add(standing, node.hashes)
    let ending = standing
    for (const node of nodes) ending = this.outcomes.add(ending, node.ends)
    const alive = this.#alive(nodes, standing)
    const [end, rest] = [this.outcomes.of(ending), this.outcomes.of(standing)]
    if (alive.length === 0) {
      if (end === rest) return finalTarget(rest)
      if (rest === refusal) return lastTarget(end)
    }
    return this.#stateOf(alive, standing, end)
  }

  /** The start for `$…`: literals only. */
  dollarStart(root: TrieNode, reserved: string | undefined): Target {
    const state: State = { end: refusal, labels: new Map(), slots: [], other: finalTarget(refusal) }
    for (const [literal, node] of root.literals ?? []) {
      if (literal.startsWith('$')) state.labels.set(literal, this.arrive([node], this.outcomes.nothing))
    }
    if (reserved !== undefined) state.labels.set(reserved, finalTarget(refusal))
    return this.states.push(state) - 1
  }

  /** Nodes from which something may still change the outcome. */
  #alive(nodes: readonly TrieNode[], standing: Standing): readonly TrieNode[] {
    if (standing.denies === denyAll) return []
    const allowsMore = (node: TrieNode): boolean => this.outcomes.rankOf(node.firstAllowBelow) < standing.settledAt
    const relevant = nodes.filter(
      node => hasBelow(node) && (allowsMore(node) || (node.deniesBelow & ~standing.denies) !== 0),
    )
    return standing.allows.length > 0 || relevant.some(allowsMore) ? relevant : []
  }

  #stateOf(nodes: readonly TrieNode[], standing: Standing, end: number): number {
    const ids = nodes.map(node => node.id)
    const key = `${standing.id} ${end} ${ids.length > 1 ? ids.sort((a, b) => a - b).join(' ') : ids}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const state: State = { end, labels: new Map(), slots: [], other: finalTarget(this.outcomes.of(standing)) }
    const index = this.states.push(state) - 1
    this.#known.set(key, index)
    if (nodes.length > 0) this.#pending.push({ state, nodes, standing })
    return index
  }

  #connect({ state, nodes, standing }: Pending): void {
    const wild = nodes.flatMap(node => node.plus ?? [])
    if (wild.length > 0) state.other = this.arrive(wild, standing)
    for (const node of nodes) {
      for (const literal of node.literals?.keys() ?? []) {
        if (state.labels.has(literal)) continue
        state.labels.set(literal, this.arrive([...this.#byLiteral(nodes, literal), ...wild], standing))
      }
    }
    for (const slot of this.#slotsOf(nodes)) {
      state.slots.push([slot, this.arrive([...this.#bySlot(nodes, slot), ...wild], standing)])
    }
  }

  #byLiteral(nodes: readonly TrieNode[], literal: string): readonly TrieNode[] {
    this.#workLeft -= nodes.length
    const found: TrieNode[] = []
    for (const node of nodes) {
      const child = node.literals?.get(literal)
      if (child !== undefined) found.push(child)
      for (const edge of node.slots) if (this.#pattern.hasLiteral(edge.slot, literal)) found.push(edge.node)
    }
    return found
  }

  #bySlot(nodes: readonly TrieNode[], slot: number): readonly TrieNode[] {
    return nodes.flatMap(node =>
      node.slots.filter(edge => edge.slot === slot || this.#pattern.isWithin(slot, edge.slot)).map(edge => edge.node),
    )
  }

  /** Slots of the nodes, those first whose value is also one of another's list. */
  #slotsOf(nodes: readonly TrieNode[]): readonly number[] {
    const slots = [...new Set(nodes.flatMap(node => node.slots.map(edge => edge.slot)))]
    if (slots.length < 2) return slots
    const { isWithin } = this.#pattern
    const isInner = (slot: number): boolean => slots.some(other => isWithin(slot, other) && !isWithin(other, slot))
    return [...slots.filter(isInner), ...slots.filter(slot => !isInner(slot))]
  }
}

/**
 * Makes the automaton for sessions of one pattern; undefined where it would have too many states.
 * @param reserved first level below which nothing is ever permitted
 */
export function buildAutomaton(
  trie: FilterTrie,
  pattern: SlotPattern,
  isConditional: (rule: Rule) => boolean,
  reserved?: string,
): Automaton | undefined {
  const builder = new Builder(trie, pattern, isConditional)
  const start = builder.arrive([trie.root], builder.outcomes.nothing)
  const dollarStart = builder.dollarStart(trie.root, reserved)
  if (!builder.run()) return undefined
  return { states: builder.states, start, dollarStart, outcomes: builder.outcomes.list }
}
