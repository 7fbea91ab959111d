/** What somebody can publish or be sent: an allow rule's filter, for a person, with the least roles that it takes. Pure. */
import { uncoveredTopic } from '../policy/filter-algebra.ts'
import type { IdentityRule, PolicySet, Rule } from '../policy/model.ts'
import type { TopicFilter, TopicName } from '../policy/topic.ts'
import { type Assignment, filterIn, namedLevels } from './assign.ts'
import { grantsMeeting } from './grant-index.ts'
import { grantsOf, type IssuerLimits, type Person, personOf, type SymbolicGrant } from './person.ts'
import { type RoleSet, roleSetOf } from './role-sets.ts'
import type { StepBudget } from './too-complex.ts'
import { variantsOf } from './variants.ts'

/** A set, and what questions about it share. */
export interface World {
  readonly set: PolicySet
  readonly limits: IssuerLimits
  readonly named: ReadonlySet<string>
  readonly budget: StepBudget
  /** Of `peopleOf`. */
  readonly people: Map<string, readonly Person[]>
}

export function worldOf(set: PolicySet, budget: StepBudget, limits: IssuerLimits = new Map()): World {
  return { set, limits, budget, named: namedLevels(set), people: new Map() }
}

/** `publish` is P of docs/semantics.md 6, `receive` R. */
export type Direction = 'publish' | 'receive'

export interface Reach {
  readonly direction: Direction
  readonly person: Person
  readonly roles: RoleSet
  readonly grant: SymbolicGrant
}

/** What may be sent is what some allow lets somebody subscribe to, shared subscriptions included. */
function gives(rule: Rule, direction: Direction): boolean {
  return rule.effect === 'allow' && rule.action === (direction === 'publish' ? 'publish' : 'subscribe')
}

function takes(rule: Rule, direction: Direction): boolean {
  return rule.effect === 'deny' && (rule.action === 'publish') === (direction === 'publish')
}

export type Accepts = (rule: IdentityRule, roles: RoleSet) => boolean

/** Everybody of an identity, a person for each variant; two of one variant stand on two sides, with variables of their own. */
export function peopleOf(world: World, rule: IdentityRule, side: 'one' | 'other'): readonly Person[] {
  const key = `${side} ${rule.name}`
  const known = world.people.get(key)
  if (known !== undefined) return known
  const people = variantsOf(world.set, rule).map(variant => personOf(world.set, variant, world.limits))
  world.people.set(key, people)
  return people
}

/** All that everybody of an identity can do with exactly these roles, by a rule of those among them that are wanted. */
export function reachesWith(
  world: World,
  [direction, side]: readonly [Direction, 'one' | 'other'],
  rule: IdentityRule,
  roles: RoleSet,
  wanted: Iterable<string> = roles,
): readonly Reach[] {
  return peopleOf(world, rule, side).flatMap(person => {
    world.budget.spend()
    return grantsOf(world.set, person, wanted, one => gives(one, direction)).map(grant => ({
      direction,
      person,
      roles,
      grant,
    }))
  })
}

/**
 * All that people of accepted role sets can do. Of the role sets that hold a rule the least are enough: more roles deny more.
 * @example reachesOf(world, ['publish', 'one'], rule => rule.name === 'device')
 */
export function reachesOf(
  world: World,
  way: readonly [Direction, 'one' | 'other'],
  accepts: Accepts,
): readonly Reach[] {
  return [...world.set.identities.values()].flatMap(rule =>
    [...new Set([...rule.roles, ...rule.mayAlsoHave])].flatMap(role =>
      leastRoleSets(rule, role, accepts).flatMap(roles => reachesWith(world, way, rule, roles, [role])),
    ),
  )
}

/** The least accepted role sets with this role: one more role is enough to be of a class, or to be no longer exactly another. */
export function leastRoleSets(rule: IdentityRule, role: string, accepts: Accepts): readonly RoleSet[] {
  const base = roleSetOf(rule, [role])
  if (base === undefined) return []
  if (accepts(rule, base)) return [base]
  const wider = rule.mayAlsoHave.flatMap(other => roleSetOf(rule, [role, other]) ?? [])
  const found = wider.filter(roles => accepts(rule, roles))
  if (found.length > 0) return found
  const all = roleSetOf(rule, rule.mayAlsoHave)
  return all !== undefined && accepts(rule, all) ? [all] : []
}

/** A topic of the filter that no deny takes from those who can reach it, `retain:` as it is; undefined where all are taken. */
export function undeniedTopic(
  world: World,
  filter: TopicFilter,
  reaches: readonly (readonly [reach: Omit<Reach, 'grant'>, retain: boolean])[],
  assignment: Assignment,
  outside: readonly TopicFilter[] = [],
): TopicName | undefined {
  const levels = filter.split('/')
  const denies = reaches.flatMap(([{ person, roles, direction }, retain]) =>
    [...grantsMeeting({ set: world.set, person, roles }, 'deny', levels, world.budget)]
      .filter(({ rule }) => takes(rule, direction) && (rule.retain ?? retain) === retain)
      .map(deny => filterIn(deny.levels, assignment)),
  )
  return uncoveredTopic(filter, [...denies, ...outside])
}

/** Whether messages are retained or not: the cells in which a rule applies. */
export function retainCells({ direction, grant }: Reach): readonly boolean[] {
  if (direction === 'receive') return [false]
  return grant.rule.retain === undefined ? [false, true] : [grant.rule.retain]
}
