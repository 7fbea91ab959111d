/** `only` and `never`: somebody, or nobody, can do something somewhere (docs/semantics.md 6). Pure. */
import type { ActionClaim } from '../../policy/model.ts'
import { assignments, capturesIn, filterIn } from '../assign.ts'
import { Bindings } from '../bindings.ts'
import { meetFilters } from '../meet-filters.ts'
import { filtersOf } from '../person.ts'
import { type Accepts, type Reach, reachesOf, retainCells, undeniedTopic, type World } from '../reach.ts'
import type { SymbolicLevel } from '../variable.ts'
import { emptiness, isOf } from './people.ts'
import { proved, type Verdict } from './verdict.ts'

/**
 * `never`: nobody of the class can; `only`: nobody else can.
 * @example proveCannot(world, claim, 'never').kind // 'proved'
 */
export function proveCannot(world: World, claim: ActionClaim, kind: 'only' | 'never'): Verdict {
  const { people, can } = claim
  const because = emptiness(world.set, people) ?? impossible(claim)
  if (because !== undefined) return { kind: 'vacuous', because }
  const accepts: Accepts = (rule, roles) => isOf(people, rule, roles) === (kind === 'never')
  for (const reach of reachesOf(world, [can.action, 'one'], accepts)) {
    for (const filter of can.filters.flatMap(template => filtersOf(template, reach.person))) {
      const found = reached(world, reach, filter)
      if (found !== undefined) return found
    }
  }
  return proved
}

/** Nobody publishes below `$SYS`, whatever a policy says: a claim about that is not about the policy. */
export function impossible({ can }: ActionClaim): string | undefined {
  if (can.filters.length === 0) return 'it names no topic'
  const isReserved = can.filters.every(({ levels: [first] }) => first?.kind === 'literal' && first.text === '$SYS')
  return isReserved && can.action === 'publish' ? 'nobody can publish below `$SYS` under any policy' : undefined
}

/** Whether the rule lets its holder do it at some topic of the filter, denies taken away. */
function reached(world: World, reach: Reach, filter: readonly SymbolicLevel[]): Verdict | undefined {
  world.budget.spend()
  const { person, grant, roles, direction } = reach
  const bindings = new Bindings()
  const joint = meetFilters(grant.levels, filter, bindings)
  if (joint === undefined) return undefined
  for (const assignment of assignments([person], bindings, world.named)) {
    const captures = capturesIn(world.set, person, assignment)
    if (captures === undefined) continue
    const concrete = filterIn(joint, assignment)
    if (direction === 'publish' && (concrete === '$SYS' || concrete.startsWith('$SYS/'))) continue
    for (const retain of retainCells(reach)) {
      const topic = undeniedTopic(world, concrete, [[reach, retain]], assignment)
      if (topic === undefined) continue
      const who = { identity: person.variant.rule, captures, roles, rule: grant.rule, direction }
      return { kind: 'refuted-by-one', who, topic, because: retain ? 'retained' : '' }
    }
  }
  return undefined
}
