/**
 * The kinds of people that a set knows: for each identity all whom no table names, and each member with its attributes. With
 * any captures and any admissible roles they are all identities that there can be (docs/semantics.md 6). Pure.
 */

import { variablesOf } from '../policy/filter-template.ts'
import { type IdentityRule, type MemberRow, memberKey, type PolicySet } from '../policy/model.ts'
import { everyone } from '../policy/rights-holder.ts'

export interface Variant {
  readonly rule: IdentityRule
  /** Rows of members that name it, at most one of each table; none: nobody whom a table names. */
  readonly rows: readonly MemberRow[]
  /** Captures that the rows fix. */
  readonly fixed: ReadonlyMap<string, string>
  /** Columns of the rows; every column of a table without a row has no value. */
  readonly attributes: ReadonlyMap<string, readonly string[]>
}

/** Rows of members that name these captures and change anything for them, in the order of the tables. */
export function rowsOf(
  set: PolicySet,
  rule: IdentityRule,
  captures: ReadonlyMap<string, string>,
): readonly MemberRow[] {
  return set.members.flatMap(table => {
    if (table.of !== rule.name) return []
    const key = table.by.map(name => captures.get(name))
    const row = key.every(value => value !== undefined) ? table.rows.get(memberKey(key)) : undefined
    return row !== undefined && isMaterial(set, rule, row) ? row : []
  })
}

/** Roles are any that `mayAlsoHave` admits, so that a row adds nothing but attributes, if any role uses them. */
function isMaterial(set: PolicySet, rule: IdentityRule, { refused, attributes }: MemberRow): boolean {
  return (
    refused !== undefined || rule.membersOnly || usedVariables(set, rule).some(name => attributes.get(name)?.length)
  )
}

/** @example variantsOf(set, device).length // 1, and one for each member */
export function variantsOf(set: PolicySet, rule: IdentityRule): readonly Variant[] {
  const found = new Map<string, Variant>()
  const add = (fixed: ReadonlyMap<string, string>): void => {
    const rows = rowsOf(set, rule, fixed)
    if (rows.some(row => row.refused !== undefined) || (rule.membersOnly && rows.length === 0)) return
    // a member for whom its row changes nothing is one of those whom no table names
    if (rows.length === 0 && fixed.size > 0) return
    const variant = { rule, rows, fixed, attributes: attributesOf(set, rule, rows) }
    const key = signature(set, variant)
    const same = found.get(key)
    if (same === undefined) found.set(key, variant)
    // of members with the same rights two are enough, if they differ in every capture in which members do
    else if (!found.has(`${key} other`) && [...fixed].some(([name, value]) => same.fixed.get(name) !== value))
      found.set(`${key} other`, variant)
  }
  add(new Map())
  for (const table of set.members) {
    if (table.of !== rule.name) continue
    for (const row of table.rows.values()) add(new Map(table.by.map((name, index) => [name, row.key[index] as string])))
  }
  return [...found.values()]
}

/** Values of the columns of its tables, from these rows; none where no row gives one. */
export function attributesOf(
  set: PolicySet,
  rule: IdentityRule,
  rows: readonly MemberRow[],
): ReadonlyMap<string, readonly string[]> {
  const columns = set.members.filter(table => table.of === rule.name).flatMap(table => [...table.columns.keys()])
  const values = new Map<string, readonly string[]>(columns.map(name => [name, []]))
  for (const row of rows)
    for (const [name, value] of row.attributes) values.set(name, typeof value === 'string' ? [value] : value)
  return values
}

const usedBy = new WeakMap<IdentityRule, readonly string[]>()

/** Variables that any role uses which this identity may have. */
function usedVariables(set: PolicySet, rule: IdentityRule): readonly string[] {
  const known = usedBy.get(rule)
  if (known !== undefined) return known
  const roles = [...rule.roles, ...rule.mayAlsoHave, everyone].flatMap(name => set.roles.get(name) ?? [])
  const filters = roles.flatMap(role => role.rules).flatMap(one => one.filters)
  const names = [...new Set(filters.flatMap(filter => variablesOf(filter)))]
  usedBy.set(rule, names)
  return names
}

/** What its rights depend on: members that differ in nothing else are one to a proof. */
function signature(set: PolicySet, { rule, fixed, attributes, rows }: Variant): string {
  const used = usedVariables(set, rule)
  // a row that the same captures without a row differ from must stay: it may exist where the other may not
  const values = used.map(name => [name, fixed.get(name) ?? null, attributes.get(name) ?? null])
  return JSON.stringify([values, rows.length === 0 ? 0 : [...fixed.keys()]])
}
