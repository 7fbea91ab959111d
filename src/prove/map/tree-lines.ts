/** The lines that hold a tree together, row by row, so that a drawing can be cut between any two rows. Pure. */
import type { Shape } from './drawing.ts'
import { nodeLeft, type RowPlace, type TreeRow } from './row.ts'

/** From the left edge of a topic to the line that its children hang on. */
const trunkDistance = 11

type Point = readonly [number, number]
const line = (...points: readonly Point[]): Shape => ({ kind: 'line', look: 'tree', points })

/** @example treeLines(row, place, 24) */
export function treeLines(
  row: TreeRow,
  { y, height, middle, left, bottom }: RowPlace,
  indent: number,
): readonly Shape[] {
  const { node, depth, goesOn, hasMore } = row
  const isLast = row.isLast && !hasMore
  const end = y + height
  const trunk = (level: number): number => nodeLeft(level, indent) + trunkDistance
  const passing = goesOn.flatMap((goes, level) => (goes ? [line([trunk(level), y], [trunk(level), end])] : []))
  const own = trunk(depth - 1)
  const branch = depth === 0 ? [] : [line([own, y], [own, isLast ? middle : end]), line([own, middle], [left, middle])]
  const below = node.children.length === 0 || hasMore ? [] : [line([trunk(depth), bottom], [trunk(depth), end])]
  return [...passing, ...branch, ...below]
}

/** Lines through the space above a row, where the tree goes on from another strip. */
export function passingLines({ depth, goesOn }: TreeRow, from: number, to: number, indent: number): readonly Shape[] {
  return [...goesOn, true].slice(0, depth).flatMap((goes, level) => {
    const x = nodeLeft(level, indent) + trunkDistance
    return goes ? [line([x, from], [x, to])] : []
  })
}
