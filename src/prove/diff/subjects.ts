/** Who is compared: the same certificate under two sets, with the roles that it really has. Pure. */
import { type IdentityRule, type MemberRow, memberKey, type PolicySet } from '../../policy/model.ts'
import { capturesOf, type Person, personOf } from '../person.ts'
import { type RoleSet, roleSetOf } from '../role-sets.ts'
import type { SymbolicLevel } from '../variable.ts'
import { attributesOf } from '../variants.ts'

/** Somebody under one set; absent where the certificate may not connect under it. */
export interface Side {
  readonly set: PolicySet
  readonly person: Person
  readonly roles: RoleSet
}

export interface Subject {
  readonly identity: string
  /** A member, by the captures that its rows name; a role that any may be given; or everybody of the identity. */
  readonly who:
    | { readonly kind: 'all' }
    | { readonly kind: 'member'; readonly captures: ReadonlyMap<string, string> }
    | { readonly kind: 'given'; readonly role: string }
  readonly before: Side | undefined
  readonly after: Side | undefined
}

/** An identity under two sets: either may be absent. Captures of the older are called as those of the newer. */
export interface IdentityPair {
  readonly before: IdentityRule | undefined
  readonly after: IdentityRule | undefined
}

/** What tells whose certificates an identity means, whatever its names are. */
export function definitionOf(rule: IdentityRule): string {
  const index = (name: string): string => `#${rule.captures.indexOf(name)}`
  const from = rule.from.map(conditions =>
    conditions
      .map(({ field, anyOf }) => [
        field,
        anyOf
          .map(({ parts }) =>
            parts.map(part =>
              part.type === 'literal' ? part.text : part.type === 'variable' ? [index(part.name), part.kind] : '+',
            ),
          )
          .map(parts => JSON.stringify(parts))
          .sort(),
      ])
      .map(one => JSON.stringify(one))
      .sort(),
  )
  return JSON.stringify([rule.issuer ?? null, from.map(one => JSON.stringify(one)).sort()])
}

/** Identities of one name, and of those left over, those that mean the same certificates. */
export function pairIdentities(before: PolicySet, after: PolicySet): readonly IdentityPair[] {
  const left = new Map([...before.identities].filter(([name]) => !after.identities.has(name)))
  const pairs: IdentityPair[] = []
  for (const [name, rule] of after.identities) {
    const same = before.identities.get(name)
    const renamed = same ?? [...left.values()].find(other => definitionOf(other) === definitionOf(rule))
    if (same === undefined && renamed !== undefined) left.delete(renamed.name)
    pairs.push({ before: renamed, after: rule })
  }
  return [...pairs, ...[...left.values()].map(rule => ({ before: rule, after: undefined }))]
}

type Captures = ReadonlyMap<string, string>

/** The subjects of one identity: all, each member whom a table of either set names, and each role that can be given. */
export function subjectsOf(sets: readonly [PolicySet, PolicySet], { before, after }: IdentityPair): readonly Subject[] {
  const rule = after ?? before
  if (rule === undefined) return []
  const identity = rule.name
  const rename = new Map(rule.captures.map((name, index) => [name, before?.captures[index] ?? name] as const))
  const both = (fixed: Captures, given?: string): readonly [Side | undefined, Side | undefined] => {
    const shared = capturesOf(
      after === undefined ? sets[0] : sets[1],
      { rule, rows: [], fixed, attributes: new Map() },
      new Map(),
    )
    const renamed = new Map([...shared].map(([name, value]) => [rename.get(name) ?? name, value]))
    return [
      before === undefined ? undefined : sideOf(sets[0], before, renamed, given),
      after === undefined ? undefined : sideOf(sets[1], after, shared, given),
    ]
  }
  const subjects: Subject[] = []
  const add = (who: Subject['who'], fixed: Captures, given?: string): void => {
    const [one, other] = both(fixed, given)
    if (one !== undefined || other !== undefined) subjects.push({ identity, who, before: one, after: other })
  }
  add({ kind: 'all' }, new Map())
  for (const captures of membersOf(sets, { before, after }, rename)) add({ kind: 'member', captures }, captures)
  for (const role of new Set([...(before?.mayAlsoHave ?? []), ...(after?.mayAlsoHave ?? [])]))
    add({ kind: 'given', role }, new Map(), role)
  return subjects
}

/** Captures of every member that either set names, by the newer names. */
function membersOf(
  sets: readonly [PolicySet, PolicySet],
  pair: IdentityPair,
  rename: ReadonlyMap<string, string>,
): readonly Captures[] {
  const newName = new Map([...rename].map(([name, old]) => [old, name]))
  const found = new Map<string, Captures>()
  const add = (set: PolicySet, rule: IdentityRule | undefined, nameOf: (name: string) => string): void => {
    for (const table of set.members.filter(one => one.of === rule?.name))
      for (const row of table.rows.values()) {
        const captures = new Map(table.by.map((name, index) => [nameOf(name), row.key[index] as string] as const))
        found.set(JSON.stringify([...captures].sort()), captures)
      }
  }
  add(sets[0], pair.before, name => newName.get(name) ?? name)
  add(sets[1], pair.after, name => name)
  return [...found.values()]
}

function sideOf(
  set: PolicySet,
  rule: IdentityRule,
  captures: ReadonlyMap<string, SymbolicLevel>,
  given: string | undefined,
): Side | undefined {
  const fixed = new Map(
    [...captures].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : [])),
  )
  const rows = rowsNaming(set, rule, fixed)
  if (rows.some(row => row.refused !== undefined) || (rule.membersOnly && rows.length === 0 && given === undefined))
    return undefined
  const roles =
    given === undefined ? new Set([...rule.roles, ...rows.flatMap(row => row.roles)]) : roleSetOf(rule, [given])
  if (roles === undefined) return undefined
  const variant = { rule, rows, fixed, attributes: attributesOf(set, rule, rows) }
  return { set, roles, person: personOf(set, variant, new Map(), captures as Person['captures']) }
}

/** Rows that name these captures, whatever they change. */
function rowsNaming(set: PolicySet, rule: IdentityRule, captures: Captures): readonly MemberRow[] {
  return set.members.flatMap(table => {
    if (table.of !== rule.name) return []
    const key = table.by.map(name => captures.get(name))
    return key.every(value => value !== undefined) ? (table.rows.get(memberKey(key)) ?? []) : []
  })
}
