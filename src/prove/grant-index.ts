/** The rules of a person's roles, found by the filters that theirs may meet: a question about many is not one about all. Pure. */

import type { PolicySet, Rule } from '../policy/model.ts'
import { everyone } from '../policy/rights-holder.ts'
import { FilterIndex } from './filter-index.ts'
import { grantsOf, type Person, type SymbolicGrant } from './person.ts'
import type { StepBudget } from './too-complex.ts'
import type { SymbolicLevel } from './variable.ts'

/** Whose rules are asked about. */
export interface Holder {
  readonly set: PolicySet
  readonly person: Person
  readonly roles: Iterable<string>
}

interface Kept {
  readonly grants: readonly SymbolicGrant[]
  index: FilterIndex<SymbolicGrant> | undefined
}

/** By effect and roles. A person belongs to one proof, and so do its grants, their index and its budget. */
const keptOf = new WeakMap<Person, Map<string, Kept>>()

/** What the roles allow, or what they and `everyone` deny. */
export function grantsBy(holder: Holder, effect: Rule['effect']): readonly SymbolicGrant[] {
  return kept(holder, effect).grants
}

/**
 * Those of `grantsBy` whose topics may meet the filter's, and some whose do not.
 * @example grantsMeeting({ set, person, roles }, 'deny', ['plant', '+'], budget)
 */
export function grantsMeeting(
  holder: Holder,
  effect: Rule['effect'],
  levels: readonly SymbolicLevel[],
  budget: StepBudget,
): Generator<SymbolicGrant> {
  const found = kept(holder, effect)
  if (found.index === undefined) {
    found.index = new FilterIndex<SymbolicGrant>(budget)
    for (const grant of found.grants) found.index.add(grant.levels, grant)
  }
  return found.index.candidates(levels)
}

function kept({ set, person, roles }: Holder, effect: Rule['effect']): Kept {
  const ofPerson = keptOf.get(person) ?? new Map<string, Kept>()
  keptOf.set(person, ofPerson)
  const names = [...roles]
  const key = `${effect} ${names.join(' ')}`
  const known = ofPerson.get(key)
  if (known !== undefined) return known
  const all = effect === 'deny' ? [...names, everyone] : names
  const made = { grants: grantsOf(set, person, all, rule => rule.effect === effect), index: undefined }
  ofPerson.set(key, made)
  return made
}
