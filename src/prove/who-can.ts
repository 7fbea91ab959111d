/** Who can publish, subscribe to or be sent a topic: for each rule that lets somebody, which captures it takes. Pure. */
import type { PolicySet, Rule } from '../policy/model.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import { assignments, capturesIn, filterIn } from './assign.ts'
import { Bindings } from './bindings.ts'
import { meetFilters } from './meet-filters.ts'
import { type Reach, reachesOf, retainCells, undeniedTopic, type World, worldOf } from './reach.ts'
import { asking, placeOf, StepBudget, TooComplex } from './too-complex.ts'

export interface WhoCan {
  readonly identity: string
  /** Captures that it takes; one that is not here may be anything. */
  readonly captures: ReadonlyMap<string, string>
  /** Captures that must be equal to each other, told as `device = site`. */
  readonly equal: readonly string[]
  /** Roles beyond the identity's own: whoever is given them. */
  readonly given: readonly string[]
  /** Members whom tables give those roles now. */
  readonly held: boolean
  readonly rule: Rule
  /** A topic of those asked about, and captures, for which it holds. */
  readonly example: { readonly topic: string; readonly captures: ReadonlyMap<string, string> }
}

/**
 * Everybody who can do it somewhere in the filter, by one entry for each rule and variant.
 * @example whoCan(set, 'publish', 'plant/s1/pump-7/command/start')
 */
export function whoCan(
  set: PolicySet,
  action: 'publish' | 'receive',
  filter: string,
  steps = 50_000_000,
): Result<readonly WhoCan[]> {
  const world = worldOf(set, new StepBudget(steps))
  const named = { ...world, named: new Set([...world.named, ...filter.split('/')]) }
  try {
    const all = reachesOf(named, [action, 'one'], () => true).flatMap(
      reach => asking(reach.grant.template.where, () => entryOf(named, reach, filter.split('/'))) ?? [],
    )
    const byRule = new Map<Rule, WhoCan[]>()
    for (const one of all) {
      const same = byRule.get(one.rule)
      if (same === undefined) byRule.set(one.rule, [one])
      else same.push(one)
    }
    return ok(all.filter(one => !byRule.get(one.rule)?.some(other => isPartOf(one, other))))
  } catch (error) {
    if (!(error instanceof TooComplex)) throw error
    return fail(problem('policy/too-complex', `the question cannot be answered: ${error.message}`, placeOf(error)))
  }
}

/** Said already, of more people; both by the same rule. */
function isPartOf(one: WhoCan, other: WhoCan): boolean {
  return (
    one !== other &&
    one.identity === other.identity &&
    one.given.join() === other.given.join() &&
    other.equal.length === 0 &&
    other.captures.size < one.captures.size &&
    [...other.captures].every(([name, value]) => one.captures.get(name) === value)
  )
}

function entryOf(world: World, reach: Reach, asked: readonly string[]): WhoCan | undefined {
  world.budget.spend()
  const { person, grant, roles, direction } = reach
  const bindings = new Bindings()
  const joint = meetFilters(grant.levels, asked, bindings)
  if (joint === undefined) return undefined
  for (const assignment of assignments([person], bindings, world.named)) {
    const captures = capturesIn(world.set, person, assignment)
    if (captures === undefined) continue
    const concrete = filterIn(joint, assignment)
    if (direction === 'publish' && (concrete === '$SYS' || concrete.startsWith('$SYS/'))) continue
    for (const retain of retainCells(reach)) {
      const topic = undeniedTopic(world, concrete, [[reach, retain]], assignment)
      if (topic === undefined) continue
      const { rule } = person.variant
      const given = [...roles].filter(role => !rule.roles.includes(role))
      return {
        identity: rule.name,
        captures: fixedCaptures(person, bindings),
        equal: equalCaptures(person, bindings),
        given,
        held: isHeld(world.set, reach, given, captures),
        rule: grant.rule,
        example: { topic, captures },
      }
    }
  }
  return undefined
}

function fixedCaptures({ captures }: Reach['person'], bindings: Bindings): ReadonlyMap<string, string> {
  return new Map(
    [...captures].flatMap(([name, value]) => {
      const level = bindings.resolve(value)
      return typeof level === 'string' ? [[name, level] as const] : []
    }),
  )
}

function equalCaptures({ captures }: Reach['person'], bindings: Bindings): readonly string[] {
  const first = new Map<unknown, string>()
  return [...captures].flatMap(([name, value]) => {
    const level = bindings.resolve(value)
    if (typeof level === 'string') return []
    const same = first.get(level)
    first.set(level, same ?? name)
    return same === undefined ? [] : [`${name} = ${same}`]
  })
}

/** Whether some member has the role now, of those whom the entry is about; `true` where no role is given. */
function isHeld(
  set: PolicySet,
  { person }: Reach,
  given: readonly string[],
  captures: ReadonlyMap<string, string>,
): boolean {
  const { rule, rows } = person.variant
  const tables = set.members.filter(table => table.of === rule.name)
  const some =
    rows.length > 0
      ? rows
      : tables.flatMap(table =>
          [...table.rows.values()].filter(row =>
            table.by.every((name, index) => row.key[index] === captures.get(name)),
          ),
        )
  return given.every(role => some.some(row => row.roles.includes(role)))
}
