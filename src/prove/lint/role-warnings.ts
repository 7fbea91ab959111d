/** Roles that nobody can have. Pure. */
import { everyone } from '../../policy/rights-holder.ts'
import type { World } from '../reach.ts'
import type { Warning } from './lint-policy.ts'

export function roleWarnings({ set }: World): readonly Warning[] {
  const held = new Set([...set.identities.values()].flatMap(rule => [...rule.roles, ...rule.mayAlsoHave]))
  return [...set.roles.values()]
    .filter(({ name }) => name !== everyone && !held.has(name))
    .map(({ name, where, accept }) => ({
      name: 'unheld-role',
      sentence: `no identity has the role \`${name}\` or may be given it`,
      help: 'name it under `roles:` or `mayAlsoHave:` of an identity',
      where,
      accept,
    }))
}
