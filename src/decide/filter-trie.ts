/** Filter trie: the filters of one action of a role set, level by level, so that what they have in common is read once. Pure. */
import type { Level } from '../policy/filter-template.ts'
import { deniesOf, type Grant } from './grant.ts'

export interface SlotEdge {
  readonly slot: number
  readonly node: TrieNode
}

export interface TrieNode {
  /** Counts up from the root, which is 0. */
  readonly id: number
  literals: Map<string, TrieNode> | undefined
  slots: SlotEdge[]
  plus: TrieNode | undefined
  /** Numbers of the grants whose filter ends here, and of those that end in `#` here: they take this topic and all below. */
  ends: number[]
  hashes: number[]
  /** Of the nodes below: the first grant that allows, and the kinds of message that some grant denies. */
  firstAllowBelow: number
  deniesBelow: number
  /** Highest QoS of an allow in `ends` and in `hashes`; -1 where there is none. */
  endQos: number
  hashQos: number
}

export interface FilterTrie {
  readonly root: TrieNode
  readonly nodes: number
  /** In the order in which they are named as a reason: allows first, then denies. */
  readonly grants: readonly Grant[]
  readonly allows: number
}

/** Most nodes have none, and share this one; never written to. */
const none: never[] = []

function makeNode(id: number): TrieNode {
  return {
    id,
    literals: undefined,
    slots: none,
    plus: undefined,
    ends: none,
    hashes: none,
    firstAllowBelow: Number.POSITIVE_INFINITY,
    deniesBelow: 0,
    endQos: -1,
    hashQos: -1,
  }
}

/** Whether something goes on below this node. */
export function hasBelow(node: TrieNode): boolean {
  return node.firstAllowBelow !== Number.POSITIVE_INFINITY || node.deniesBelow !== 0
}

/**
 * Builds the trie of allows and denies.
 * @param slotOf number of a variable
 */
export function buildTrie(allows: readonly Grant[], denies: readonly Grant[], slotOf: SlotNumbers): FilterTrie {
  const root = makeNode(0)
  const grants = [...allows, ...denies]
  let nodes = 1
  for (const [index, grant] of grants.entries()) {
    const { levels } = grant.template
    const isOpen = levels.at(-1)?.kind === 'hash'
    const depth = isOpen ? levels.length - 1 : levels.length
    let node = root
    for (let at = 0; at < depth; at += 1) {
      noteBelow(node, index, grant)
      const level = levels[at] as Level
      const known = childOf(node, level, slotOf)
      const next: TrieNode = known ?? makeNode(nodes++)
      if (known === undefined) addChild(node, level, slotOf, next)
      node = next
    }
    noteHere(node, index, grant, isOpen)
  }
  return { root, nodes, grants, allows: allows.length }
}

type SlotNumbers = ReadonlyMap<string, number>

function childOf(node: TrieNode, level: Level, slotOf: SlotNumbers): TrieNode | undefined {
  if (level.kind === 'plus') return node.plus
  if (level.kind === 'literal') return node.literals?.get(level.text)
  return level.kind === 'variable' ? node.slots.find(edge => edge.slot === slotOf.get(level.name))?.node : undefined
}

function addChild(node: TrieNode, level: Level, slotOf: SlotNumbers, child: TrieNode): void {
  if (level.kind === 'plus') node.plus = child
  if (level.kind === 'variable') node.slots = [...node.slots, { slot: slotOf.get(level.name) as number, node: child }]
  if (level.kind !== 'literal') return
  node.literals ??= new Map()
  node.literals.set(level.text, child)
}

function noteBelow(node: TrieNode, index: number, { rule }: Grant): void {
  if (rule.effect === 'deny') node.deniesBelow |= deniesOf(rule)
  else if (index < node.firstAllowBelow) node.firstAllowBelow = index
}

function noteHere(node: TrieNode, index: number, { rule }: Grant, isOpen: boolean): void {
  const qos = rule.effect === 'allow' ? (rule.maxQos ?? 2) : -1
  if (isOpen) {
    if (node.hashes === none) node.hashes = [index]
    else node.hashes.push(index)
    node.hashQos = Math.max(node.hashQos, qos)
  } else {
    if (node.ends === none) node.ends = [index]
    else node.ends.push(index)
    node.endQos = Math.max(node.endQos, qos)
  }
}
