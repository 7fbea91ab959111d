/**
 * Walks over a filter trie with all edges that fit at once: slower than an automaton, never wrong, and in the worst case as long
 * as the trie is large. What hostile sets, requested filters and reasons are decided by. Pure.
 */
import type { FilterTrie, TrieNode } from './filter-trie.ts'
import { isValue, type SlotValue } from './slot-value.ts'

type Values = readonly SlotValue[]

/** A first level that no wildcard takes [MQTT-4.7.2-1]. */
export const isDollar = (level: string, depth: number): boolean => depth === 0 && level.startsWith('$')

/** The nodes to which a level leads: a literal, or the `+` of a requested filter, which only wildcards take whole. */
function step(nodes: readonly TrieNode[], level: string, depth: number, values: Values): readonly TrieNode[] {
  const next: TrieNode[] = []
  const isWild = level === '+'
  for (const node of nodes) {
    const literal = isWild ? undefined : node.literals?.get(level)
    if (literal !== undefined) next.push(literal)
    if (!isWild) for (const edge of node.slots) if (isValue(values[edge.slot], level)) next.push(edge.node)
    if (node.plus !== undefined && !isDollar(level, depth)) next.push(node.plus)
  }
  return next
}

/** Numbers of the grants that match a topic; unsorted. */
export function matchingGrants({ root }: FilterTrie, levels: readonly string[], values: Values): readonly number[] {
  const found: number[] = []
  let nodes: readonly TrieNode[] = [root]
  for (const [depth, level] of levels.entries()) {
    if (!isDollar(level, depth)) for (const node of nodes) for (const grant of node.hashes) found.push(grant)
    nodes = step(nodes, level, depth, values)
    if (nodes.length === 0) return found
  }
  for (const node of nodes) {
    for (const grant of node.ends) found.push(grant)
    for (const grant of node.hashes) found.push(grant)
  }
  return found
}

/** What a union of grants is worth to a topic: that of the best that matches; -1 is nothing. */
export interface Measure {
  readonly ofEnds: (node: TrieNode) => number
  readonly ofHashes: (node: TrieNode) => number
}

/** Worth the highest QoS that is allowed. */
export const byQos: Measure = { ofEnds: node => node.endQos, ofHashes: node => node.hashQos }

/** Worth 0 where a deny matches. */
export function byDeny({ allows }: FilterTrie): Measure {
  const worth = (grants: readonly number[]): number => ((grants.at(-1) ?? -1) < allows ? -1 : 0)
  return { ofEnds: node => worth(node.ends), ofHashes: node => worth(node.hashes) }
}

/**
 * The least that any topic of a filter is worth, exactly (docs/decisions/0007-compiled-decisions.md): a `+` is taken by wildcards
 * only, and `P/#` is `P`, `P/+`, `P/+/+` …, of which those longer than the trie are worth the same.
 */
export function worthOfFilter(trie: FilterTrie, filter: readonly string[], values: Values, measure: Measure): number {
  let nodes: readonly TrieNode[] = [trie.root]
  let open = -1
  for (const [depth, level] of filter.entries()) {
    if (!isDollar(level, depth)) open = bestOf(nodes, measure.ofHashes, open)
    if (level === '#') return worthOfRest(nodes, open, filter, values, measure)
    nodes = step(nodes, level, depth, values)
    if (nodes.length === 0) return open
  }
  return bestOf(nodes, measure.ofEnds, bestOf(nodes, measure.ofHashes, open))
}

function bestOf(nodes: readonly TrieNode[], worth: (node: TrieNode) => number, least: number): number {
  let best = least
  for (const node of nodes) best = Math.max(best, worth(node))
  return best
}

/** From the parent of a `#` on, one level more each time. */
function worthOfRest(
  first: readonly TrieNode[],
  openAtFirst: number,
  filter: readonly string[],
  values: Values,
  { ofEnds, ofHashes }: Measure,
): number {
  let [nodes, open] = [first, openAtFirst]
  // `#` and `/#`: the topic of no characters is not valid
  const isEmpty = filter.length === 1 || (filter.length === 2 && filter[0] === '')
  let worst = isEmpty ? Number.POSITIVE_INFINITY : bestOf(nodes, ofEnds, open)
  for (let depth = filter.length - 1; nodes.length > 0 && worst >= 0; depth += 1) {
    nodes = step(nodes, '+', depth, values)
    open = bestOf(nodes, ofHashes, open)
    worst = Math.min(worst, bestOf(nodes, ofEnds, open))
  }
  return worst
}

/**
 * The first allow grant of those whose leading levels take most of a topic or requested filter; undefined where nothing is
 * allowed at all.
 */
export function nearestAllow(trie: FilterTrie, levels: readonly string[], values: Values): number | undefined {
  let best: number | undefined
  let nodes: readonly TrieNode[] = [trie.root]
  for (const [depth, level] of levels.entries()) {
    const first = firstAllow(trie, nodes, values)
    if (first === undefined) return best
    best = first
    if (level === '#') return best
    nodes = step(nodes, level, depth, values)
  }
  return firstAllow(trie, nodes, values) ?? best
}

/** The first grant that allows at these nodes or below, one that makes a filter at all in this session. */
function firstAllow({ allows }: FilterTrie, nodes: readonly TrieNode[], values: Values): number | undefined {
  const hasEmpty = values.includes(undefined)
  const pending = [...nodes]
  let best = Number.POSITIVE_INFINITY
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const index of node.ends) if (index < allows) best = Math.min(best, index)
    for (const index of node.hashes) if (index < allows) best = Math.min(best, index)
    if (node.firstAllowBelow >= best) continue
    if (!hasEmpty) {
      best = node.firstAllowBelow
      continue
    }
    for (const child of node.literals?.values() ?? []) pending.push(child)
    for (const edge of node.slots) if (values[edge.slot] !== undefined) pending.push(edge.node)
    if (node.plus !== undefined) pending.push(node.plus)
  }
  return best === Number.POSITIVE_INFINITY ? undefined : best
}
