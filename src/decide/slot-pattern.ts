/**
 * Slot pattern: which values of a session are equal to a literal of the rules, or to each other, where both stand at the same
 * level. An automaton takes one edge a level, so it is right for the sessions of one pattern only. Pure.
 */
import type { Grant } from './grant.ts'
import { isValue, type SlotValue, valuesOf } from './slot-value.ts'

export interface SlotPattern {
  /** The same for equal patterns. */
  readonly key: string
  /** Whether this literal is a value of the slot. */
  hasLiteral(slot: number, literal: string): boolean
  /** Whether the only value of `slot` is a value of `other`. */
  isWithin(slot: number, other: number): boolean
}

/** What can come together at one level, by the rules alone. */
export interface SlotMeetings {
  /** By slot: literals at levels where the slot stands too. */
  readonly literals: readonly ReadonlySet<string>[]
  /** Slots that stand at the same level of some filters, each pair both ways. */
  readonly pairs: readonly (readonly [slot: number, other: number])[]
}

interface LevelContents {
  readonly literals: Set<string>
  readonly slots: Set<number>
}

/** Reads off what can meet; filters of one action are read together by one automaton. */
export function slotMeetings(
  actions: readonly (readonly Grant[])[],
  slotOf: ReadonlyMap<string, number>,
): SlotMeetings {
  const literals = Array.from({ length: slotOf.size }, () => new Set<string>())
  const pairs = new Map<string, readonly [number, number]>()
  for (const grants of actions) {
    for (const level of levelsOf(grants, slotOf)) {
      for (const slot of level.slots) {
        for (const literal of level.literals) literals[slot]?.add(literal)
        for (const other of level.slots) if (other !== slot) pairs.set(`${slot} ${other}`, [slot, other])
      }
    }
  }
  return { literals, pairs: [...pairs.values()] }
}

function levelsOf(grants: readonly Grant[], slotOf: ReadonlyMap<string, number>): readonly LevelContents[] {
  const contents: LevelContents[] = []
  for (const { template } of grants) {
    for (const [depth, level] of template.levels.entries()) {
      contents[depth] ??= { literals: new Set(), slots: new Set() }
      if (level.kind === 'literal') contents[depth].literals.add(level.text)
      if (level.kind === 'variable') contents[depth].slots.add(slotOf.get(level.name) as number)
    }
  }
  return contents
}

/** Values without any coincidence. */
export const plainPattern: SlotPattern = { key: '', hasLiteral: () => false, isWithin: () => false }

/** The pattern of these values; undefined where lists have values in common, which no automaton of slots tells apart. */
export function patternOf(meetings: SlotMeetings, values: readonly SlotValue[]): SlotPattern | undefined {
  const equalities: string[] = []
  for (let slot = 0; slot < values.length; slot += 1) {
    const literals = meetings.literals[slot]
    if (literals !== undefined && literals.size > 0) noteLiterals(equalities, slot, values[slot], literals)
  }
  for (const [slot, other] of meetings.pairs) {
    const [one, two] = [values[slot], values[other]]
    if (typeof one === 'string') {
      if (isValue(two, one)) equalities.push(withinKey(slot, other))
    } else if (typeof two !== 'string' && valuesOf(one).some(value => isValue(two, value))) {
      return undefined
    }
  }
  return equalities.length === 0 ? plainPattern : makePattern(equalities)
}

function noteLiterals(equalities: string[], slot: number, value: SlotValue, literals: ReadonlySet<string>): void {
  if (typeof value === 'string') {
    if (literals.has(value)) equalities.push(literalKey(slot, value))
    return
  }
  const shared = valuesOf(value).filter(one => literals.has(one))
  for (const one of [...new Set(shared)].sort()) equalities.push(literalKey(slot, one))
}

const literalKey = (slot: number, literal: string): string => `${slot}=${literal}`
const withinKey = (slot: number, other: number): string => `${slot}<${other}`

function makePattern(equalities: readonly string[]): SlotPattern {
  const known = new Set(equalities)
  return {
    // a slash stands in no literal
    key: equalities.join('/'),
    hasLiteral: (slot, literal) => known.has(literalKey(slot, literal)),
    isWithin: (slot, other) => known.has(withinKey(slot, other)),
  }
}
