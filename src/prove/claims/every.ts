/** `every`: all of a class can do something, everywhere in a filter, whatever else they may be (docs/semantics.md 6). Pure. */
import { uncoveredTopic } from '../../policy/filter-algebra.ts'
import type { ActionClaim, ClaimedAction, IdentityRule, Rule } from '../../policy/model.ts'
import { everyone } from '../../policy/rights-holder.ts'
import { type Assignment, assignments, capturesIn, filterIn } from '../assign.ts'
import { Bindings } from '../bindings.ts'
import { meetFilters } from '../meet-filters.ts'
import { filtersOf, grantsOf, type Person } from '../person.ts'
import { peopleOf, type World } from '../reach.ts'
import { type RoleSet, roleSetOf, roleSetsUpTo } from '../role-sets.ts'
import type { SymbolicLevel } from '../variable.ts'
import { impossible } from './cannot.ts'
import { emptiness, isOf } from './people.ts'
import { proved, type Verdict } from './verdict.ts'

/** @example proveEvery(world, claim).kind // 'proved' */
export function proveEvery(world: World, claim: ActionClaim): Verdict {
  const because = emptiness(world.set, claim.people) ?? impossible(claim)
  if (because !== undefined) return { kind: 'vacuous', because }
  for (const rule of world.set.identities.values()) {
    const least = leastOf(claim, rule)
    for (const person of peopleOf(world, rule, 'one')) {
      for (const filter of claim.can.filters.flatMap(template => filtersOf(template, person))) {
        for (const roles of least) {
          const found =
            uncovered(world, person, roles, filter, claim.can) ?? denied(world, person, roles, filter, claim)
          if (found !== undefined) return found
        }
      }
    }
  }
  return proved
}

/** The least role sets of the class: what is covered with them is covered with more. */
function leastOf({ people }: ActionClaim, rule: IdentityRule): readonly RoleSet[] {
  const most = people.exactly ? (people.roles?.length ?? 0) : 1
  const all = roleSetsUpTo(rule, most).filter(roles => isOf(people, rule, roles))
  return all.filter(roles => !all.some(other => other.size < roles.size && [...other].every(role => roles.has(role))))
}

/** An allow that applies at the claimed point; one for shared subscriptions only gives nothing for certain. */
function applies(rule: Rule, { action, qos, retain, payloadBytes }: ClaimedAction): boolean {
  if (rule.effect !== 'allow') return false
  if (action === 'receive') return rule.action === 'subscribe' && rule.share === undefined
  return (
    rule.action === 'publish' &&
    (rule.retain ?? retain) === retain &&
    qos <= (rule.maxQos ?? 2) &&
    payloadBytes <= (rule.maxPayloadBytes ?? Number.POSITIVE_INFINITY)
  )
}

/** Some topic that no allow gives: fresh values are the hardest to cover. */
function uncovered(
  world: World,
  person: Person,
  roles: RoleSet,
  filter: readonly SymbolicLevel[],
  can: ClaimedAction,
): Verdict | undefined {
  const allows = grantsOf(world.set, person, roles, rule => applies(rule, can))
  return failing(world, person, roles, new Bindings(), assignment => {
    const topic = uncoveredTopic(
      filterIn(filter, assignment),
      allows.map(({ levels }) => filterIn(levels, assignment)),
    )
    return topic === undefined ? undefined : { topic, because: 'no rule allows it' }
  })
}

/** Some topic that a deny takes, of the role set or of any one role more that somebody of the class may have. */
function denied(
  world: World,
  person: Person,
  least: RoleSet,
  filter: readonly SymbolicLevel[],
  { people, can }: ActionClaim,
): Verdict | undefined {
  const { rule } = person.variant
  const wider = rule.mayAlsoHave.flatMap(
    role =>
      roleSetOf(
        rule,
        [...least, role].filter(one => !rule.roles.includes(one)),
      ) ?? [],
  )
  for (const roles of [least, ...wider.filter(one => isOf(people, rule, one))]) {
    const denies = grantsOf(world.set, person, [...roles, everyone], one => takes(one, can))
    for (const deny of denies) {
      world.budget.spend()
      const bindings = new Bindings()
      const joint = meetFilters(filter, deny.levels, bindings)
      if (joint === undefined) continue
      const found = failing(world, person, roles, bindings, assignment => {
        const topic = uncoveredTopic(filterIn(joint, assignment), [])
        return topic === undefined
          ? undefined
          : { topic, because: `role ${deny.rule.role} denies \`${deny.template.text}\``, rule: deny.rule }
      })
      if (found !== undefined) return found
    }
  }
  return undefined
}

function takes(rule: Rule, { action, retain }: ClaimedAction): boolean {
  if (rule.effect !== 'deny' || (rule.action === 'publish') !== (action === 'publish')) return false
  return (rule.retain ?? retain) === retain
}

type Failure = { readonly topic: string; readonly because: string; readonly rule?: Rule }

function failing(
  world: World,
  person: Person,
  roles: RoleSet,
  bindings: Bindings,
  failureOf: (assignment: Assignment) => Failure | undefined,
): Verdict | undefined {
  for (const assignment of assignments([person], bindings, world.named)) {
    world.budget.spend()
    const captures = capturesIn(world.set, person, assignment)
    const failure = captures === undefined ? undefined : failureOf(assignment)
    if (captures === undefined || failure === undefined) continue
    const { topic, because, rule } = failure
    const who = { identity: person.variant.rule, captures, roles, direction: 'publish' as const, rule }
    return { kind: 'refuted-by-one', who, topic, because }
  }
  return undefined
}
