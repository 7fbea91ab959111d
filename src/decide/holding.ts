/** Holding: a role set and what its variables are for one session. Pure. */
import { expandFilter } from '../policy/filter-template.ts'
import type { TopicFilter } from '../policy/topic.ts'
import type { Grant } from './grant.ts'
import type { RoleSet } from './role-set.ts'
import { type SlotValue, valuesOf } from './slot-value.ts'

export interface Holding {
  readonly roleSet: RoleSet
  /** By slot. */
  readonly values: readonly SlotValue[]
}

/** What a grant comes to for this session. */
export function filtersOf({ roleSet, values }: Holding, { template }: Grant): readonly TopicFilter[] {
  return expandFilter(template, new Map(roleSet.variables.map((name, slot) => [name, valuesOf(values[slot])])))
}
