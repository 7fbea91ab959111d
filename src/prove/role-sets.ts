/** Which roles somebody of an identity may have together. Pure. */
import type { IdentityRule } from '../policy/model.ts'

export type RoleSet = ReadonlySet<string>

/** Whether `neverTogether` admits the roles beside those that everybody of the identity has. */
function isAdmissible(rule: IdentityRule, roles: RoleSet): boolean {
  return rule.neverTogether.every(group => group.filter(role => roles.has(role)).length < 2)
}

/**
 * The identity's own roles and these of `mayAlsoHave`; undefined where nobody can have them all.
 * @example roleSetOf(device, ['gateway'])
 */
export function roleSetOf(rule: IdentityRule, roles: Iterable<string>): RoleSet | undefined {
  const all = new Set([...rule.roles, ...roles])
  for (const role of all) if (!rule.roles.includes(role) && !rule.mayAlsoHave.includes(role)) return undefined
  return isAdmissible(rule, all) ? all : undefined
}

/** Own roles and up to so many of `mayAlsoHave`, every admissible choice, smallest first. */
export function roleSetsUpTo(rule: IdentityRule, most: number): readonly RoleSet[] {
  const sets: RoleSet[] = []
  const grow = (chosen: readonly string[], from: number): void => {
    const all = roleSetOf(rule, chosen)
    if (all === undefined) return
    sets.push(all)
    if (chosen.length < most)
      rule.mayAlsoHave.forEach((role, index) => {
        if (index >= from && !rule.roles.includes(role)) grow([...chosen, role], index + 1)
      })
  }
  grow([], 0)
  return sets.sort((a, b) => a.size - b.size)
}
