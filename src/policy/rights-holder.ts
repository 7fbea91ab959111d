/** Identity → rights holder: its roles and the values of its variables, with what members tables add or take. Pure. */
import { fail, ok, problem, type Result } from '../problem.ts'
import {
  type MappedIdentity,
  type MemberRow,
  type MemberTable,
  memberKey,
  type PolicySet,
  type RightsHolder,
} from './model.ts'

/** Reserved role that every session has; it can only deny. */
export const everyone = 'everyone'

function rowOf(table: MemberTable, identity: MappedIdentity): MemberRow | undefined {
  const key = table.by.map(name => identity.captures.get(name))
  return key.every(value => value !== undefined) ? table.rows.get(memberKey(key)) : undefined
}

function asList(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value
}

/**
 * What `decide/` compiles for this identity. Refused where a row of members shuts it out, or where it must have one.
 * @example const holder = rightsHolderOf(set, identity.value)
 */
export function rightsHolderOf(set: PolicySet, identity: MappedIdentity): Result<RightsHolder> {
  const rule = set.identities.get(identity.kind)
  if (rule === undefined)
    return fail(problem('authenticate/no-identity', `the policy has no identity ${identity.kind}`))
  const tables = set.members.filter(table => table.of === identity.kind)
  const rows = tables.flatMap(table => rowOf(table, identity) ?? [])
  const refused = rows.find(row => row.refused !== undefined)
  if (refused !== undefined)
    return fail(
      problem('bind/member-refused', `members shuts this ${identity.kind} out: ${refused.refused}`, {
        where: refused.where,
      }),
    )
  if (rule.membersOnly && rows.length === 0) {
    return fail(
      problem('bind/not-a-member', `this ${identity.kind} is in no members table, and the policy demands it`, {
        where: rule.where,
        help: 'add a row for it under `members:`',
      }),
    )
  }
  const variables = new Map<string, readonly string[]>()
  for (const [name, value] of set.constants) variables.set(name, asList(value))
  for (const [name, value] of rule.set) variables.set(name, [value])
  // a column without a row has no value: rules that use it make no filter
  for (const table of tables) for (const column of table.columns.keys()) variables.set(column, [])
  for (const row of rows) for (const [name, value] of row.attributes) variables.set(name, asList(value))
  for (const [name, value] of identity.captures) variables.set(name, [value])
  const roles = new Set([
    ...rule.roles,
    ...rows.flatMap(row => row.roles),
    ...(set.roles.has(everyone) ? [everyone] : []),
  ])
  return ok({ identity, roles: [...roles], variables })
}
