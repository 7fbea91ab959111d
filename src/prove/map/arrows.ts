/** Arrows between the cards of a row and its topic: what passes is led together, what is denied ends at a cross. Pure. */
import { type Card, cardWidth } from './card.ts'
import type { Group, Label, LineLook, Shape } from './drawing.ts'
import type { RowPlace } from './row.ts'

export interface PlacedCard {
  readonly card: Card
  readonly x: number
  /** Height at which its arrow starts or ends. */
  readonly middle: number
  readonly shapes: readonly Shape[]
  readonly labels: readonly Label[]
}

const busDistance = 26
const crossDistance = 17

type Points = readonly (readonly [number, number])[]
const line = (look: LineLook, ...points: Points): Shape => ({ kind: 'line', look, points })
const lineOver = (look: LineLook, ...points: Points): Shape => ({ kind: 'line', look, points, isOver: true })

function groupOf({ card, shapes, labels }: PlacedCard, arrows: readonly Shape[]): Group {
  const { entry, title } = card
  return {
    title,
    ...(entry === undefined ? {} : { role: entry.rule.role, entry: entry.number }),
    shapes: [...arrows, ...shapes],
    labels,
  }
}

const passes = ({ card }: PlacedCard): boolean => card.kind !== 'stopped'
/** The association of a deny with its topic where nothing else leads there. */
const needsThread = (cards: readonly PlacedCard[]): boolean => cards.length > 0 && !cards.some(passes)

/** From publishers to the topic. */
export function arrowsIn(cards: readonly PlacedCard[], { left, middle }: RowPlace): readonly Group[] {
  const edge = cardWidth
  const bus = edge + busDistance
  const isDerived = !cards.some(({ card }) => card.kind === 'allow')
  const groups = cards.map(placed => {
    const look = placed.card.kind === 'derived' ? 'derived' : 'publish'
    if (!passes(placed)) {
      const at = edge + crossDistance
      return groupOf(placed, [line('deny', [edge, placed.middle], [at, placed.middle]), cross(at, placed.middle)])
    }
    return groupOf(placed, [line(look, [edge, placed.middle], [bus, placed.middle], [bus, middle])])
  })
  const first = cards.find(passes)
  if (first === undefined) {
    const thread = line('derived', [edge + crossDistance + 8, middle], [left, middle])
    return needsThread(cards) ? [{ shapes: [thread], labels: [] }, ...groups] : groups
  }
  const look = isDerived ? 'derived' : 'publish'
  const last = [
    lineOver(look, [bus, middle], [left - 9, middle]),
    { kind: 'head', look, x: left - 1, y: middle } as const,
  ]
  return [...groups, { shapes: last, labels: [] }]
}

/** From the topic to those who are sent what is published there. */
export function arrowsOut(cards: readonly PlacedCard[], { right, middle }: RowPlace): readonly Group[] {
  const edge = cards[0]?.x ?? 0
  const bus = edge - busDistance
  const isDerived = !cards.some(({ card }) => card.kind === 'allow')
  const groups = cards.map(placed => {
    const look = placed.card.kind === 'derived' ? 'derived' : 'send'
    if (!passes(placed)) {
      const at = edge - crossDistance
      return groupOf(placed, [line('deny', [at, placed.middle], [edge, placed.middle]), cross(at, placed.middle)])
    }
    return groupOf(placed, [
      line(look, [bus, middle], [bus, placed.middle], [edge - 9, placed.middle]),
      { kind: 'head', look, x: edge - 1, y: placed.middle },
    ])
  })
  const first = cards.find(passes)
  if (first === undefined) {
    const thread = line('derived', [right, middle], [edge - crossDistance - 8, middle])
    return needsThread(cards) ? [{ shapes: [thread], labels: [] }, ...groups] : groups
  }
  return [{ shapes: [line(isDerived ? 'derived' : 'send', [right, middle], [bus, middle])], labels: [] }, ...groups]
}

function cross(x: number, y: number): Shape {
  return { kind: 'cross', x, y }
}
