/**
 * Puts values in for what the bindings leave open. Fresh values, all different, are the hardest case for a filter to match, so
 * one assignment decides for all; only where `only:` leaves a capture few values, each of them is tried. Pure.
 */
import type { PolicySet } from '../policy/model.ts'
import type { TopicFilter } from '../policy/topic.ts'
import type { Bindings } from './bindings.ts'
import type { Person } from './person.ts'
import { TooComplex } from './too-complex.ts'
import { freshValue, type SymbolicLevel, type Variable } from './variable.ts'
import { rowsOf } from './variants.ts'

/** Levels and variables as one assignment has them. */
export type Assignment = (level: SymbolicLevel) => string

const mostAssignments = 10_000

/** Every level that a file of the set names: what is fresh is none of these. */
export function namedLevels(set: PolicySet): ReadonlySet<string> {
  const levels = new Set<string>()
  const add = (value: string | readonly string[]): void => {
    for (const one of typeof value === 'string' ? [value] : value) levels.add(one)
  }
  for (const value of set.constants.values()) add(value)
  for (const rule of set.identities.values()) for (const value of rule.set.values()) add(value)
  for (const table of set.members)
    for (const row of table.rows.values()) {
      add(row.key)
      for (const value of row.attributes.values()) add(value)
    }
  for (const role of set.roles.values())
    for (const rule of role.rules) for (const filter of rule.filters) add(filter.text.split('/'))
  return levels
}

/**
 * Assignments of all open captures of these people: one, or one for each choice from finite lists.
 * @throws TooComplex where the lists come to more than 10,000 choices
 */
export function* assignments(
  people: readonly Person[],
  bindings: Bindings,
  named: ReadonlySet<string>,
): Generator<Assignment> {
  const open = new Set<Variable>()
  for (const person of people)
    for (const capture of person.captures.values()) {
      const level = bindings.resolve(capture)
      if (typeof level !== 'string') open.add(level)
    }
  const finite = [...open].filter(variable => variable.only !== undefined)
  const choices = finite.reduce((product, { only = [] }) => product * only.length, 1)
  if (choices > mostAssignments) throw new TooComplex('`only:` leaves more than 10,000 combinations of values')
  for (let choice = 0; choice < choices; choice += 1) {
    const values = new Map<Variable, string>()
    let rest = choice
    for (const variable of finite) {
      const only = variable.only ?? []
      values.set(variable, only[rest % only.length] as string)
      rest = Math.floor(rest / only.length)
    }
    const own = new Set(values.values())
    for (const variable of open) {
      if (values.has(variable)) continue
      const value = freshValue(variable, named, own) as string
      values.set(variable, value)
      own.add(value)
    }
    yield level => {
      const found = bindings.resolve(level)
      return typeof found === 'string' ? found : (values.get(found) as string)
    }
  }
}

/** The filter of an assignment. */
export function filterIn(levels: readonly SymbolicLevel[], assignment: Assignment): TopicFilter {
  return levels.map(assignment).join('/') as TopicFilter
}

/** The captures of a person by an assignment; undefined where tables know these captures as somebody else. */
export function capturesIn(
  set: PolicySet,
  { captures, variant }: Person,
  assignment: Assignment,
): ReadonlyMap<string, string> | undefined {
  const values = new Map([...captures].map(([name, value]) => [name, assignment(value)] as const))
  const rows = rowsOf(set, variant.rule, values)
  const isSame = rows.length === variant.rows.length && rows.every(row => variant.rows.includes(row))
  return isSame ? values : undefined
}
