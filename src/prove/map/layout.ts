/** Coordinates of the tree below one root: publishers to the left, topics in the middle, who is sent them to the right. Pure. */
import { cardWidth } from './card.ts'
import { type Drawing, drawingWidth, type Group } from './drawing.ts'
import { layoutRows } from './layout-row.ts'
import type { Relations } from './relations.ts'
import { columns, nodeLeft, type TreeRow } from './row.ts'
import { flow, heightOf, type Line, labelsOf } from './text-flow.ts'
import type { TopicNode } from './tree.ts'
import { passingLines } from './tree-lines.ts'

/** A strip is closed once it is so high: what a page of paper takes. */
const stripHeight = 750
const widestIndent = 24
const widestIndents = 180

function* rowsOf(node: TopicNode, above: Omit<TreeRow, 'node'>): Generator<TreeRow> {
  yield { node, ...above }
  const { depth, goesOn, isLast } = above
  for (const [index, child] of node.children.entries())
    yield* rowsOf(child, {
      depth: depth + 1,
      parent: node.path,
      isLast: index === node.children.length - 1,
      goesOn: depth === 0 ? [] : [...goesOn, !isLast],
      isContinued: false,
      hasMore: false,
    })
}

interface GrowingStrip {
  readonly y: number
  height: number
  readonly groups: Group[]
}

/**
 * The drawing of one tree.
 * @example layoutTree(topicTree(relations.entries)[0], relations).height
 */
export function layoutTree(root: TopicNode, relations: Relations): Drawing {
  const rows = [
    ...rowsOf(root, { depth: 0, parent: undefined, isLast: true, goesOn: [], isContinued: false, hasMore: false }),
  ]
  const deepest = rows.reduce((most, { depth }) => Math.max(most, depth), 1)
  const indent = Math.min(widestIndent, widestIndents / deepest)
  const strips: GrowingStrip[] = []
  let strip: GrowingStrip | undefined
  let y = 0
  for (const measured of rows.flatMap(row => layoutRows(row, indent, relations))) {
    if (strip === undefined || strip.height + measured.height > stripHeight) {
      const { height, group } = headings(measured.row, y, indent)
      strip = { y, height, groups: [group] }
      strips.push(strip)
      y += height
    }
    strip.groups.push(...measured.place(y))
    strip.height += measured.height
    y += measured.height
  }
  return { width: drawingWidth, height: y, strips }
}

/** What the columns are and, where the tree was begun in the strip before, where it goes on. */
function headings(row: TreeRow, y: number, indent: number): { height: number; group: Group } {
  const { parent, depth } = row
  const left = parent === undefined ? columns.tree : nodeLeft(depth, indent)
  const heading = (text: string, width: number): readonly Line[] => flow([{ text, style: 'heading' }], width, 13)
  const topics = heading(parent === undefined ? 'Topics' : `below ${parent}`, columns.treeEnd - left)
  const height = heightOf(topics, 13) + 8
  const at = (x: number, lines: readonly Line[]) => labelsOf(lines, x, y + 4, 13)
  return {
    height,
    group: {
      shapes: parent === undefined ? [] : passingLines(row, y, y + height, indent),
      labels: [
        ...at(columns.publishers, heading('Who may publish', cardWidth)),
        ...at(left, topics),
        ...at(columns.receivers, heading('Who is sent what is published', cardWidth)),
      ],
    },
  }
}
