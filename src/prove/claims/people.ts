/** Whether somebody is of a class that a claim is about. Pure. */
import type { IdentityRule, PeopleClass, PolicySet } from '../../policy/model.ts'
import { type RoleSet, roleSetsUpTo } from '../role-sets.ts'
import { variantsOf } from '../variants.ts'

/** `roles` are any of these; `exactly`, all of these and no other. */
export function isOf(people: PeopleClass, rule: IdentityRule, roles: RoleSet): boolean {
  if (people.identity !== undefined && people.identity !== rule.name) return false
  if (people.roles === undefined) return true
  if (people.exactly) return people.roles.length === roles.size && people.roles.every(role => roles.has(role))
  return people.roles.some(role => roles.has(role))
}

/** Why nobody can be of the class; undefined where somebody can. */
export function emptiness(set: PolicySet, people: PeopleClass): string | undefined {
  const found = [...set.identities.values()].some(
    rule =>
      variantsOf(set, rule).length > 0 &&
      roleSetsUpTo(rule, people.exactly ? (people.roles?.length ?? 0) : 1).some(roles => isOf(people, rule, roles)),
  )
  return found ? undefined : 'nobody can be of its class'
}
