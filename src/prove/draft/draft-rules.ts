/** Draft rules: which shapes of the traffic become rules, which are left to a person, and what varies too much to be listed. Pure. */
import { type Level, levelText, parseFilterTemplate } from '../../policy/filter-template.ts'
import type { IdentityRule, PolicySet } from '../../policy/model.ts'
import { join, type Shape, type Traffic } from './traffic.ts'

/** Why something that was done is left to a person. */
export type LeftOutReason = 'other-device' | 'broad' | 'ambiguous' | 'unwritable'

export interface LeftOut {
  readonly shape: Shape
  readonly reason: LeftOutReason
}

export interface DraftRules {
  readonly rules: readonly Shape[]
  /** All that the rules are made of, one by one. */
  readonly kept: readonly Shape[]
  readonly leftOut: readonly LeftOut[]
}

/** One device that uses more values than these at a place uses any value. */
const mostLiterals = 5
/** The framer's own limits, where nothing else is configured. */
const mostLevels = 32
const mostBytes = 1024

const isWildcard = ({ kind }: Level): boolean => kind === 'plus' || kind === 'hash'
/** What a policy file cannot hold. */
const unwritable = /[\p{C}\p{Zl}\p{Zp}]/u

export function draftRules(traffic: Traffic, set: PolicySet): DraftRules {
  const leftOut: LeftOut[] = []
  const kept = traffic.shapes.filter(shape => {
    const rule = set.identities.get(shape.kind)
    const reason = rule && reasonAgainst(shape, traffic, rule)
    if (reason !== undefined) leftOut.push({ shape, reason })
    return rule !== undefined && reason === undefined
  })
  return { rules: withoutLists(kept, set), kept, leftOut }
}

function reasonAgainst(shape: Shape, traffic: Traffic, rule: IdentityRule): LeftOutReason | undefined {
  const { levels, isAmbiguous, isNarrowed } = shape
  if (!isWritable(shape, rule)) return 'unwritable'
  if (isAmbiguous) return 'ambiguous'
  if (levels.some(level => level.kind === 'literal' && traffic.isSomebody(level.text))) return 'other-device'
  const wild = levels.findIndex(isWildcard)
  return isNarrowed || (wild >= 0 && !isOwn(levels.slice(0, wild), rule)) ? 'broad' : undefined
}

function isWritable({ action, levels }: Shape, { captures }: IdentityRule): boolean {
  const filter = levels.map(levelText).join('/')
  if (filter === '' || levels.length > mostLevels || new TextEncoder().encode(filter).length > mostBytes) return false
  // brokers, and the guard itself, keep their own below `$…`
  const [first] = levels
  if (first?.kind === 'literal' && first.text.startsWith('$')) return false
  if (action === 'publish' && levels.some(isWildcard)) return false
  if (levels.some(level => level.kind === 'variable' && !captures.includes(level.name))) return false
  // a device may write `${site}` into its topics: what would be read as something else than it is, is not drafted
  const read = parseFilterTemplate(filter, { file: 'draft' })
  return !unwritable.test(filter) && read.ok && JSON.stringify(read.value.levels) === JSON.stringify(levels)
}

/** Whether levels name one identity and no other: only what is below them is its own. */
function isOwn(levels: readonly Level[], { captures, unique }: IdentityRule): boolean {
  const isNamed = (name: string): boolean => levels.some(level => level.kind === 'variable' && level.name === name)
  return captures.length > 0 && (captures.every(isNamed) || (unique.length > 0 && unique.every(isNamed)))
}

/** Places below the device's own level where one device used many values become `+`. */
function withoutLists(shapes: readonly Shape[], set: PolicySet): readonly Shape[] {
  const deepest = shapes.reduce((most, { levels }) => Math.max(most, levels.length), 0)
  let current = shapes
  for (let at = deepest - 1; at > 0; at--) current = widenAt(current, at, set)
  return current
}

function widenAt(shapes: readonly Shape[], at: number, set: PolicySet): readonly Shape[] {
  const groups = new Map<string, Shape[]>()
  for (const shape of shapes) {
    const key = JSON.stringify([
      shape.kind,
      shape.action,
      canWidenAt(shape, at, set) ? wideAt(shape, at) : shape.levels,
    ])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [shape])
    else group.push(shape)
  }
  return [...groups.values()].flatMap(group => {
    const [first, ...rest] = group
    if (first === undefined || !variesForOne(group)) return group
    // the shapes themselves are still to be asked about
    const wide = { ...first, levels: wideAt(first, at), by: new Set(first.by) }
    return [rest.reduce(join, wide)]
  })
}

function canWidenAt({ kind, levels }: Shape, at: number, set: PolicySet): boolean {
  const rule = set.identities.get(kind)
  return rule !== undefined && levels[at]?.kind === 'literal' && isOwn(levels.slice(0, at), rule)
}

function wideAt({ levels }: Shape, at: number): readonly Level[] {
  return levels.with(at, { kind: 'plus' })
}

function variesForOne(group: readonly Shape[]): boolean {
  const times = new Map<string, number>()
  for (const { by } of group) for (const who of by) times.set(who, (times.get(who) ?? 0) + 1)
  return [...times.values()].some(count => count > mostLiterals)
}
