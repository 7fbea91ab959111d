/** Every rule of a set, filter by filter, with the number that the drawing and the table call it by. Pure. */
import type { FilterTemplate } from '../../policy/filter-template.ts'
import type { PolicySet, Rule } from '../../policy/model.ts'

/** One filter of one rule. */
export interface MapEntry {
  /** Counts from 1, in the order of the files. */
  readonly number: number
  readonly rule: Rule
  readonly filter: FilterTemplate
}

/** @example entriesOf(set).map(entry => entry.filter.text) */
export function entriesOf(set: PolicySet): readonly MapEntry[] {
  return [...set.roles.values()]
    .flatMap(role => role.rules)
    .flatMap(rule => rule.filters.map(filter => ({ rule, filter })))
    .map((entry, index) => ({ number: index + 1, ...entry }))
}
