/** Coordinates of one row: a topic, the cards of its rules on both sides, and the arrows between them. Pure. */
import { arrowsIn, arrowsOut, type PlacedCard } from './arrows.ts'
import { type Card, cardMiddle, flowCard, ruleCard } from './card.ts'
import { drawingWidth, type Group } from './drawing.ts'
import type { MapEntry } from './entries.ts'
import type { Relations } from './relations.ts'
import { columns, nodeLeft, type RowPlace, type TreeRow } from './row.ts'
import { flow, heightOf, type Line, labelsOf, topicRuns } from './text-flow.ts'
import type { TopicNode } from './tree.ts'
import { treeLines } from './tree-lines.ts'
import { sentenceOf } from './words.ts'

const gap = 5
const rowPadding = 4
const nodePadding = 8

/** Cards of one side that stand together: more would be higher than a page of paper. */
const stackLimit = 600

/** A row whose height is known, and that can be drawn anywhere. */
export interface MeasuredRow {
  readonly row: TreeRow
  readonly height: number
  place(y: number): readonly Group[]
}

/**
 * The rows of one topic: one, or several where it has more rules than a page takes.
 * @example layoutRows(row, 24, relations)[0]?.place(26)
 */
export function layoutRows(row: TreeRow, indent: number, relations: Relations): readonly MeasuredRow[] {
  const publishers = stacksOf(cardsOf(row.node, relations, true))
  const receivers = stacksOf(cardsOf(row.node, relations, false))
  const count = Math.max(1, publishers.length, receivers.length)
  return Array.from({ length: count }, (_, index) =>
    layoutPart(
      { ...row, isContinued: index > 0, hasMore: index < count - 1 },
      indent,
      publishers[index] ?? [],
      receivers[index] ?? [],
    ),
  )
}

function stacksOf(cards: readonly Card[]): readonly (readonly Card[])[] {
  const stacks: Card[][] = []
  for (const card of cards) {
    const last = stacks.at(-1)
    if (last === undefined || stackHeight([...last, card]) > stackLimit) stacks.push([card])
    else last.push(card)
  }
  return stacks
}

function layoutPart(
  row: TreeRow,
  indent: number,
  publishers: readonly Card[],
  receivers: readonly Card[],
): MeasuredRow {
  const { node, depth, isContinued } = row
  const size = depth === 0 ? 15 : 13
  const left = nodeLeft(depth, indent)
  const runs = [...topicRuns(node.levels), ...(isContinued ? [{ text: ' continued', style: 'faint' } as const] : [])]
  const lines = flow(runs, columns.treeEnd - left - 2 * nodePadding - 14, size)
  const nodeHeight = heightOf(lines, size) + 8
  const height = Math.max(nodeHeight, stackHeight(publishers), stackHeight(receivers)) + 2 * rowPadding
  const right = left + Math.max(0, ...lines.map(line => line.width)) + 2 * nodePadding
  return {
    row,
    height,
    place: y => {
      const top = y + rowPadding
      const place: RowPlace = { y, height, middle: top + cardMiddle, left, right, top, bottom: top + nodeHeight }
      return [
        nodeGroup(row, place, lines, indent),
        ...arrowsIn(stack(publishers, columns.publishers, top), place),
        ...arrowsOut(stack(receivers, columns.receivers, top), place),
      ]
    },
  }
}

/** The topic itself, in a box where a rule ends there. */
function nodeGroup(row: TreeRow, place: RowPlace, lines: readonly Line[], indent: number): Group {
  const { node, depth } = row
  const { y, height, left, right, top, bottom } = place
  const size = depth === 0 ? 15 : 13
  const box = (look: 'band' | 'node', x: number, from: number, width: number, high: number) =>
    node.entries.length === 0 ? [] : [{ kind: 'box', look, x, y: from, width, height: high } as const]
  return {
    title: node.path,
    shapes: [
      ...box('band', 0, y + 1, drawingWidth, height - 2),
      ...treeLines(row, place, indent),
      ...box('node', left, top, right - left, bottom - top),
    ],
    labels: labelsOf(lines, left + nodePadding, top + (depth === 0 ? 3 : 4), size),
  }
}

/** What passes first: allows, then what rules elsewhere let pass; and then what is stopped. */
function cardsOf({ entries }: TopicNode, relations: Relations, isPublish: boolean): readonly Card[] {
  const isOnSide = ({ rule }: MapEntry): boolean => (rule.action === 'publish') === isPublish
  const cards = entries
    .filter(isOnSide)
    .map(entry => ruleCard(entry, relations, sentenceOf(entry, relations)))
    .sort((a, b) => Number(a.kind === 'stopped') - Number(b.kind === 'stopped'))
  const derived = flowCard(
    entries.filter(entry => entry.rule.effect === 'allow' && !isOnSide(entry)),
    relations,
  )
  const passing = cards.filter(card => card.kind !== 'stopped')
  return [...passing, ...(derived === undefined ? [] : [derived]), ...cards.slice(passing.length)]
}

function stackHeight(cards: readonly Card[]): number {
  return cards.reduce((sum, card) => sum + card.height, gap * Math.max(0, cards.length - 1))
}

function stack(cards: readonly Card[], x: number, top: number): readonly PlacedCard[] {
  let y = top
  return cards.map(card => {
    const placed = { card, x, middle: y + cardMiddle, ...card.place(x, y) }
    y += card.height + gap
    return placed
  })
}
