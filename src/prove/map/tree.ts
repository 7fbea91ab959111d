/** The tree of topics that the rules of a set name, level by level. Pure. */
import { type Level, levelText } from '../../policy/filter-template.ts'
import type { MapEntry } from './entries.ts'

/** A place in the tree; levels between which nothing branches and no rule ends stand together. */
export interface TopicNode {
  readonly levels: readonly Level[]
  /** The whole filter down to here. */
  readonly path: string
  /** Rules whose filter ends here, by number. */
  readonly entries: readonly MapEntry[]
  readonly children: readonly TopicNode[]
}

interface Growing {
  readonly level: Level
  readonly path: string
  readonly entries: MapEntry[]
  readonly children: Map<string, Growing>
}

/** From the most special to the most general; then by code unit, so that no locale plays a part. */
const kinds: readonly Level['kind'][] = ['literal', 'variable', 'plus', 'hash']

function compareLevels(a: Level, b: Level): number {
  if (a.kind !== b.kind) return kinds.indexOf(a.kind) - kinds.indexOf(b.kind)
  // without the braces, which would put `${sites}` before `${site}`
  const [x, y] = [a, b].map(level => (level.kind === 'variable' ? level.name : levelText(level))) as [string, string]
  return x < y ? -1 : x > y ? 1 : 0
}

function grow(siblings: Map<string, Growing>, level: Level, above: string | undefined): Growing {
  const text = levelText(level)
  const known = siblings.get(text)
  if (known !== undefined) return known
  const node: Growing = {
    level,
    path: above === undefined ? text : `${above}/${text}`,
    entries: [],
    children: new Map(),
  }
  siblings.set(text, node)
  return node
}

/**
 * The trees of a set, one for each first level, sorted.
 * @example topicTree(entriesOf(set)).map(root => root.path) // ['plant']
 */
export function topicTree(entries: readonly MapEntry[]): readonly TopicNode[] {
  const roots = new Map<string, Growing>()
  for (const entry of entries) {
    let siblings = roots
    let node: Growing | undefined
    for (const level of entry.filter.levels) {
      node = grow(siblings, level, node?.path)
      siblings = node.children
    }
    node?.entries.push(entry)
  }
  return finish(roots, false)
}

function finish(siblings: ReadonlyMap<string, Growing>, mayJoin: boolean): readonly TopicNode[] {
  return [...siblings.values()]
    .sort((a, b) => compareLevels(a.level, b.level))
    .map(first => {
      const levels = [first.level]
      let last = first
      // a root stands alone: it is the heading of all below it
      for (let only = onlyChild(last); mayJoin && only !== undefined; only = onlyChild(last)) {
        levels.push(only.level)
        last = only
      }
      return { levels, path: last.path, entries: last.entries, children: finish(last.children, true) }
    })
}

function onlyChild({ entries, children }: Growing): Growing | undefined {
  const [only, ...more] = children.values()
  return entries.length === 0 && more.length === 0 ? only : undefined
}

/** A node and all below it, top to bottom. */
export function* nodesOf(node: TopicNode): Generator<TopicNode> {
  yield node
  for (const child of node.children) yield* nodesOf(child)
}
