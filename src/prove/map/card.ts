/** The card of one rule at its topic: role, holders, conditions, what denies take from it. Pure. */
import { makeVisible } from '../../observe/escape-html.ts'
import { textWidth } from './advance-widths.ts'
import type { BoxLook, Label, Run, Shape } from './drawing.ts'
import type { MapEntry } from './entries.ts'
import type { Relations } from './relations.ts'
import { flow, heightOf, type Line, labelsOf, linePitch } from './text-flow.ts'
import { conditionsOf, deadNote, flowTexts, heldBy } from './words.ts'

export const cardWidth = 340
/** From the top of a card to the middle of its first line, where its arrow is. */
export const cardMiddle = 13
const padding = 10
const topPadding = 4
const numberPadding = 5
const mostCuts = 2
const mostFlows = 8

export interface Card {
  readonly entry?: MapEntry
  /** Whether anything passes by it: an allow of which denies leave nothing is stopped like a deny. */
  readonly kind: 'allow' | 'stopped' | 'derived'
  readonly height: number
  readonly title: string
  /** Draws it with its upper left corner there. */
  place(x: number, y: number): { readonly shapes: readonly Shape[]; readonly labels: readonly Label[] }
}

/** Denies that hold for all who have the role, in words where they are few; the others by the roles that bring them. */
function cutLines(entry: MapEntry, relations: Relations): readonly string[] {
  const dead = deadNote(entry, relations)
  if (dead !== undefined) return [`× ${dead}`]
  const cuts = relations.cutsOf(entry)
  const certain = cuts.filter(cut => cut.isCertain).map(cut => cut.deny)
  const others = cuts.filter(cut => !cut.isCertain).map(({ deny }) => `${deny.rule.role} (${deny.number})`)
  return [
    ...(certain.length > mostCuts
      ? [`× not what ${certain.map(deny => deny.number).join(', ')} deny`]
      : certain.map(deny => `× not ${deny.filter.text} (${deny.number})`)),
    ...(others.length === 0 ? [] : [`× less with ${others.join(', ')}`]),
  ]
}

interface Head {
  readonly head: readonly Line[]
  /** Holders, where they do not fit beside the role. */
  readonly below: readonly Line[]
}

function headOf({ rule }: MapEntry, relations: Relations, room: number): Head {
  const held = heldBy(rule.role, relations.holders.of(rule.role))
  const runs: readonly Run[] = [
    ...(rule.effect === 'deny' ? [{ text: `× deny ${rule.action} `, style: 'deny' } as const] : []),
    { text: rule.role, style: 'name' },
  ]
  const whole = flow([...runs, { text: ` · ${held}`, style: 'faint' }], room, 13)
  if (whole.length === 1) return { head: whole, below: [] }
  return { head: flow(runs, room, 13), below: flow([{ text: held, style: 'faint' }], cardWidth - 2 * padding, 12) }
}

function lookOf({ rule }: MapEntry, relations: Relations): BoxLook {
  if (rule.effect === 'deny') return 'card-deny'
  return relations.holders.of(rule.role).always.length > 0 ? 'card' : 'card-may'
}

/** @example ruleCard(entry, relations, 'sensor may publish …').place(0, 40).labels */
export function ruleCard(entry: MapEntry, relations: Relations, title: string): Card {
  const number = String(entry.number)
  const numberWidth = textWidth(number, 12, false)
  const room = cardWidth - 2 * padding
  const { head, below } = headOf(entry, relations, room - numberWidth - 2 * numberPadding - 8)
  const conditions = conditionsOf(entry)
  const cuts = entry.rule.effect === 'allow' ? cutLines(entry, relations) : []
  const rest = [
    ...below,
    ...(conditions === '' ? [] : flow([{ text: conditions, style: 'faint' }], room, 12)),
    ...cuts.flatMap(text => flow([{ text, style: 'deny' }], room, 12)),
  ]
  const height = 2 * topPadding + heightOf(head, 13) + heightOf(rest, 12)
  const look = lookOf(entry, relations)
  return {
    entry,
    kind: entry.rule.effect === 'deny' || relations.isDead(entry) ? 'stopped' : 'allow',
    height,
    title,
    place: (x, y) => {
      const right = x + cardWidth - padding + numberPadding
      const left = right - numberWidth - 2 * numberPadding
      return {
        shapes: [
          { kind: 'box', look, x, y, width: cardWidth, height },
          { kind: 'box', look: 'number', x: left, y: y + topPadding, width: right - left, height: 18 },
        ],
        labels: [
          ...labelsOf(head, x + padding, y + topPadding, 13),
          ...labelsOf(rest, x + padding, y + topPadding + heightOf(head, 13), 12),
          {
            x: left + numberPadding,
            y: y + topPadding + linePitch(12) - 4,
            width: numberWidth,
            size: 12,
            runs: [{ text: number, style: 'faint' }],
          },
        ],
      }
    },
  }
}

/** What rules elsewhere in the tree let pass to this place, or from it; undefined where there is nothing. */
export function flowCard(entries: readonly MapEntry[], relations: Relations): Card | undefined {
  const isPublish = entries[0]?.rule.action === 'publish'
  const here = new Set(entries.map(entry => entry.filter.text))
  const flows = entries.flatMap(entry => relations.flowsOf(entry)).filter(({ entry }) => !here.has(entry.filter.text))
  const texts = flowTexts(flows)
  if (texts.length === 0) return undefined
  const lead = isPublish ? 'may also reach ' : 'may also come from '
  const shown =
    texts.length > mostFlows ? [...texts.slice(0, mostFlows - 1), `${texts.length - mostFlows + 1} more roles`] : texts
  const lines: readonly Line[] = flow(
    [{ text: `${lead}${shown.join(', ')}`, style: 'faint' }],
    cardWidth - 2 * padding,
    12,
  )
  return {
    kind: 'derived',
    height: heightOf(lines, 12) + 2 * topPadding,
    title: makeVisible(`${lead}${texts.join(', ')}`),
    place: (x, y) => ({ shapes: [], labels: labelsOf(lines, x + padding, y + topPadding, 12) }),
  }
}
