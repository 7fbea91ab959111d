/** What the filters of a trie have in common with a requested filter, exactly. Pure. */
import type { FilterTrie, TrieNode } from './filter-trie.ts'
import { isValue, type SlotValue, valuesOf } from './slot-value.ts'
import { isDollar } from './trie-walk.ts'

type Values = readonly SlotValue[]

/** A node that a filter has come to. */
interface Place {
  readonly node: TrieNode
  /** Levels of the filter that are read; a `#` is never read. */
  readonly depth: number
  /** Whether nothing but one empty level has been read: the topic of no characters is not valid. */
  readonly isEmpty: boolean
}

/** Whether any filter of the trie has a topic in common with this one. */
export function meetsAny({ root, grants }: FilterTrie, filter: readonly string[], values: Values): boolean {
  if (grants.length === 0) return false
  const pending: Place[] = [{ node: root, depth: 0, isEmpty: false }]
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    const { node, depth, isEmpty } = place
    const level = filter[depth]
    const isRoot = node === root
    if (node.ends.length > 0 && !isEmpty && (level === undefined || level === '#')) return true
    if (node.hashes.length > 0 && takesRest(level, isRoot, isEmpty)) return true
    if (level === undefined) continue
    const next = level === '#' ? depth : depth + 1
    for (const [text, child] of edgesOf(node, level, isRoot, values)) {
      pending.push({ node: child, depth: next, isEmpty: isRoot && text === '' })
    }
  }
  return false
}

/** Whether `P/#` at this node takes what a filter has left; `#` takes no topic that begins with `$`. */
function takesRest(level: string | undefined, isRoot: boolean, isEmpty: boolean): boolean {
  return level === undefined ? !isEmpty : !isRoot || !level.startsWith('$')
}

/** Edges that a level of a requested filter meets, with what both have in common. */
function edgesOf(
  node: TrieNode,
  level: string,
  isRoot: boolean,
  values: Values,
): readonly (readonly [text: string, node: TrieNode])[] {
  const depth = isRoot ? 0 : 1
  const edges: [string, TrieNode][] = []
  if (level === '+' || level === '#') {
    for (const [text, child] of node.literals ?? []) if (!isDollar(text, depth)) edges.push([text, child])
    for (const edge of node.slots) for (const value of valuesOf(values[edge.slot])) edges.push([value, edge.node])
    if (node.plus !== undefined) edges.push(['+', node.plus])
    return edges
  }
  const literal = node.literals?.get(level)
  if (literal !== undefined) edges.push([level, literal])
  for (const edge of node.slots) if (isValue(values[edge.slot], level)) edges.push([level, edge.node])
  if (node.plus !== undefined && !isDollar(level, depth)) edges.push([level, node.plus])
  return edges
}

interface JointPlace extends Place {
  readonly joint: readonly string[]
}

/** A grant, and the filter of what it has in common with the requested one. */
export interface Meeting {
  readonly grant: number
  readonly joint: readonly string[]
}

/** Every grant before number `end` that has a topic in common with a filter; more than once where lists make several of it. */
export function meetings(
  { root }: FilterTrie,
  filter: readonly string[],
  values: Values,
  end: number,
): readonly Meeting[] {
  const found: Meeting[] = []
  const note = (grants: readonly number[], joint: readonly string[]): void => {
    for (const grant of grants) if (grant < end) found.push({ grant, joint })
  }
  const pending: JointPlace[] = [{ node: root, depth: 0, isEmpty: false, joint: [] }]
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    const { node, depth, isEmpty, joint } = place
    const level = filter[depth]
    const isRoot = node === root
    if (!isEmpty && (level === undefined || level === '#')) note(node.ends, joint)
    if (takesRest(level, isRoot, isEmpty)) note(node.hashes, [...joint, ...filter.slice(depth)])
    if (level === undefined) continue
    const next = level === '#' ? depth : depth + 1
    for (const [text, child] of edgesOf(node, level, isRoot, values)) {
      pending.push({ node: child, depth: next, isEmpty: isRoot && text === '', joint: [...joint, text] })
    }
  }
  return found
}
