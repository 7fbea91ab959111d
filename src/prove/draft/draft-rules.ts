/** Draft rules: which shapes of the traffic become rules, which are left to a person, and what varies too much to be listed. Pure. */
import { join, type Shape, type Traffic } from './traffic.ts'

/** Why something that was done is left to a person. */
export type LeftOutReason = 'other-device' | 'broad' | 'unwritable'

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

const isVariable = (level: string): boolean => level.startsWith('${')
const isWildcard = (level: string): boolean => level === '+' || level === '#'
/** What a filter of the policy language cannot say as a literal, or would read as something else. */
const unwritable = /[*{}\p{C}]/u

export function draftRules(traffic: Traffic): DraftRules {
  const leftOut: LeftOut[] = []
  const kept = traffic.shapes.filter(shape => {
    const reason = reasonAgainst(shape, traffic)
    if (reason !== undefined) leftOut.push({ shape, reason })
    return reason === undefined
  })
  return { rules: withoutLists(kept), kept, leftOut }
}

function reasonAgainst({ levels }: Shape, traffic: Traffic): LeftOutReason | undefined {
  const literals = levels.filter(level => !isVariable(level))
  if (literals.some(level => unwritable.test(level)) || levels[0]?.startsWith('$SYS')) return 'unwritable'
  if (literals.some(level => traffic.isSomebody(level))) return 'other-device'
  const wild = levels.findIndex(isWildcard)
  // whatever is below a variable is the device's own
  return wild >= 0 && !levels.slice(0, wild).some(isVariable) ? 'broad' : undefined
}

/** Places below the device's own level where one device used many values become `+`. */
function withoutLists(shapes: readonly Shape[]): readonly Shape[] {
  const deepest = Math.max(0, ...shapes.map(({ levels }) => levels.length))
  let current = shapes
  for (let at = deepest - 1; at > 0; at--) current = widenAt(current, at)
  return current
}

function widenAt(shapes: readonly Shape[], at: number): readonly Shape[] {
  const groups = new Map<string, Shape[]>()
  for (const shape of shapes) {
    const key = JSON.stringify([shape.kind, shape.action, canWidenAt(shape, at) ? wideAt(shape, at) : shape.levels])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [shape])
    else group.push(shape)
  }
  return [...groups.values()].flatMap(group => {
    const [first, ...rest] = group
    if (first === undefined || !variesForOne(group)) return group
    return [{ ...rest.reduce((sum, one) => join(sum, one), first), levels: wideAt(first, at) }]
  })
}

function canWidenAt({ levels }: Shape, at: number): boolean {
  const level = levels[at]
  if (level === undefined || isVariable(level) || isWildcard(level)) return false
  return levels.slice(0, at).some(isVariable)
}

function wideAt({ levels }: Shape, at: number): readonly string[] {
  return levels.with(at, '+')
}

function variesForOne(group: readonly Shape[]): boolean {
  const times = new Map<string, number>()
  for (const { by } of group) for (const who of by) times.set(who, (times.get(who) ?? 0) + 1)
  return Math.max(...times.values()) > mostLiterals
}
