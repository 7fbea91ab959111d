/** One row of a drawing: a node of the tree with its publishers and receivers, and where all of it stands. Pure. */
import { cardWidth } from './card.ts'
import { drawingWidth } from './drawing.ts'
import type { TopicNode } from './tree.ts'

/** Where the columns stand. */
export const columns: Readonly<Record<'publishers' | 'tree' | 'treeEnd' | 'receivers', number>> = {
  publishers: 0,
  tree: cardWidth + 46,
  treeEnd: drawingWidth - cardWidth - 46,
  receivers: drawingWidth - cardWidth,
}

/** One node of the tree, and how it hangs there. */
export interface TreeRow {
  readonly node: TopicNode
  readonly depth: number
  /** Filter of the node above; undefined for the root. */
  readonly parent: string | undefined
  readonly isLast: boolean
  /** For each level above: whether its line goes on below this row. */
  readonly goesOn: readonly boolean[]
  /** A topic with more rules than a page takes is drawn several times: this is a repetition. */
  readonly isContinued: boolean
  /** And here another one follows. */
  readonly hasMore: boolean
}

export interface RowPlace {
  readonly y: number
  readonly height: number
  /** The middle of the first line: where arrows arrive. */
  readonly middle: number
  readonly left: number
  readonly right: number
  /** Of the box of the topic. */
  readonly top: number
  readonly bottom: number
}

/** Where a topic begins. */
export function nodeLeft(depth: number, indent: number): number {
  return columns.tree + depth * indent
}
