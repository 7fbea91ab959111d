/** A policy set with one thing changed, to ask what it would answer then. Never the set that is in force. Pure. */
import {
  type MappedIdentity,
  type MemberRow,
  type MemberTable,
  memberKey,
  type PolicySet,
  type Rule,
} from '../policy/model.ts'
import type { Where } from '../problem.ts'

/** What would stand in the row of a member besides what stands there. */
export interface MemberChange {
  /** Undefined: a table that there is none of yet. */
  readonly table: string | undefined
  readonly role?: string
  readonly column?: { readonly name: string; readonly value: string }
  /** The reason in `refused` goes. */
  readonly isLetIn?: true
}

/** The set without these rules. */
export function withoutRules(set: PolicySet, rules: ReadonlySet<Rule>): PolicySet {
  const roles = [...set.roles].map(
    ([name, role]) => [name, { ...role, rules: role.rules.filter(rule => !rules.has(rule)) }] as const,
  )
  return { ...set, roles: new Map(roles) }
}

/** Undefined where there can be no such row: it would need values that nobody has named, or roles that never go together. */
export function withMember(set: PolicySet, identity: MappedIdentity, change: MemberChange): PolicySet | undefined {
  const { table: name, role } = change
  const table = name === undefined ? newTable(identity) : set.members.find(one => one.name === name)
  if (table === undefined) return undefined
  const key = table.by.map(by => identity.captures.get(by) ?? '')
  const present = table.rows.get(memberKey(key))
  const row = present ?? (change.isLetIn ? undefined : newRow(table, key, change))
  if (row === undefined) return undefined
  const roles = role === undefined || row.roles.includes(role) ? row.roles : [...row.roles, role]
  if (isForbidden(set, identity, roles)) return undefined
  const changed = { ...table, rows: new Map(table.rows).set(memberKey(key), changeRow(row, table, roles, change)) }
  return { ...set, members: [...set.members.filter(one => one !== table), changed] }
}

function isForbidden(set: PolicySet, { kind }: MappedIdentity, added: readonly string[]): boolean {
  const rule = set.identities.get(kind)
  const roles = new Set([...(rule?.roles ?? []), ...added])
  return rule === undefined || rule.neverTogether.some(group => group.filter(role => roles.has(role)).length > 1)
}

const nowhere: Where = { file: 'members' }

function newTable({ kind, captures }: MappedIdentity): MemberTable {
  return { name: 'members', of: kind, by: [...captures.keys()], columns: new Map(), rows: new Map(), where: nowhere }
}

function newRow(table: MemberTable, key: readonly string[], { column }: MemberChange): MemberRow | undefined {
  const needed = [...table.columns].filter(([name, kind]) => kind === 'one' && name !== column?.name)
  if (needed.length > 0) return undefined
  const lists = [...table.columns].filter(([, kind]) => kind === 'list').map(([name]) => [name, []] as const)
  return { key, roles: [], refused: undefined, attributes: new Map(lists), where: table.where }
}

function changeRow(
  row: MemberRow,
  table: MemberTable,
  roles: readonly string[],
  { column, isLetIn }: MemberChange,
): MemberRow {
  const attributes = new Map(row.attributes)
  if (column !== undefined) {
    const before = attributes.get(column.name)
    const list = typeof before === 'string' || before === undefined ? [] : before
    attributes.set(column.name, table.columns.get(column.name) === 'list' ? [...list, column.value] : column.value)
  }
  return { ...row, roles, attributes, refused: isLetIn ? undefined : row.refused }
}
