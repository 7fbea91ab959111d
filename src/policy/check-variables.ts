/**
 * Every variable that a role uses must be given by every identity that may hold the role: else a rule, and above all
 * a deny, would shrink to nothing without a word. Captures, `set:` and constants are always there; a column of members
 * only together with the row that gives the role (or with `membersOnly`). Pure.
 */
import type { Drafts } from './drafts.ts'
import { variablesOf } from './filter-template.ts'
import type { MemberRow, MemberTable, Role, Rule } from './model.ts'
import { didYouMean } from './nearest-name.ts'
import type { IdentityDraft } from './read-identities.ts'
import type { Report } from './report.ts'
import { everyone } from './rights-holder.ts'
import { isSafeValue } from './safe-value.ts'

const mostCombinations = 10_000

export function checkVariables(drafts: Drafts, tables: readonly MemberTable[], report: Report): void {
  if (report.isUnread('constants')) return
  const known = knownVariables(drafts)
  // columns of a table whose `of:` is a slip belong to nobody yet: not given, but told already
  const astray = new Set(
    drafts.tables
      .values()
      .filter(table => !tables.some(one => one.name === table.name))
      .flatMap(table => [...table.columns.keys()]),
  )
  checkKnown(drafts, known, report)
  for (const identity of drafts.identities.values()) {
    const own = tables.filter(table => table.of === identity.rule.name)
    if (!identity.variablesKnown) continue
    const always = new Set([...identity.rule.captures, ...identity.rule.set.keys(), ...drafts.constants.keys()])
    if (!report.isUnread('columns')) checkIdentity(identity, own, { always, known, astray }, drafts, report)
    for (const table of own) {
      for (const row of table.rows.values()) checkRow(identity, table, row, always, drafts, report)
    }
    checkCombinations(identity, own, drafts, report)
  }
}

function knownVariables({ constants, identities, tables }: Drafts): ReadonlySet<string> {
  const given = identities.values().flatMap(({ rule }) => [...rule.captures, ...rule.set.keys()])
  return new Set([...constants.keys(), ...given, ...tables.values().flatMap(table => [...table.columns.keys()])])
}

/** A variable that nothing gives is a slip, whoever holds the role. */
function checkKnown({ identities, roles }: Drafts, known: ReadonlySet<string>, report: Report): void {
  const allRead =
    identities.values().every(identity => identity.variablesKnown) &&
    identities.values().length === identities.keys().length
  if (!allRead || report.isUnread('identities') || report.isUnread('columns')) return
  for (const role of roles.values()) {
    for (const [variable, rule] of variablesUsed(role)) {
      if (!known.has(variable))
        report.add(
          'policy/unknown-variable',
          `nothing gives \`\${${variable}}\``,
          rule.where,
          didYouMean(variable, known, 'variables'),
        )
    }
  }
}

/** Variables of a role, each with the first rule that uses it. */
function variablesUsed(role: Role): ReadonlyMap<string, Rule> {
  const used = new Map<string, Rule>()
  for (const rule of role.rules) {
    for (const filter of rule.filters) {
      for (const variable of variablesOf(filter)) if (!used.has(variable)) used.set(variable, rule)
    }
  }
  return used
}

interface Variables {
  readonly always: ReadonlySet<string>
  readonly known: ReadonlySet<string>
  readonly astray: ReadonlySet<string>
}

function checkIdentity(
  { rule }: IdentityDraft,
  tables: readonly MemberTable[],
  { always, known, astray }: Variables,
  { roles }: Drafts,
  report: Report,
): void {
  const inAll = (variable: string) => tables.length > 0 && tables.every(table => table.columns.has(variable))
  const inOne = (variable: string) => tables.some(table => table.columns.has(variable))
  const check = (name: string, isGiven: (variable: string) => boolean, help: (variable: string) => string) => {
    const role = roles.get(name)
    for (const [variable, first] of role === undefined ? [] : variablesUsed(role)) {
      if (always.has(variable) || isGiven(variable) || astray.has(variable) || !known.has(variable)) continue
      report.add(
        'policy/variable-not-given',
        `the role \`${name}\` uses \`\${${variable}}\`, which \`${rule.name}\` does not give`,
        first.where,
        help(variable),
      )
    }
  }
  for (const name of new Set([...rule.roles, everyone])) {
    check(
      name,
      variable => rule.membersOnly && inAll(variable),
      variable =>
        inOne(variable)
          ? 'a column of members is there only with a row: write `membersOnly: true`, or move the role to `mayAlsoHave:`'
          : `capture it in \`from:\`, or add it to \`set:\` of \`${rule.name}\` or to \`constants:\``,
    )
  }
  for (const name of rule.mayAlsoHave)
    check(
      name,
      inOne,
      variable => `add a column \`${variable}\` to a table of \`${rule.name}\`, or capture it in \`from:\``,
    )
}

function checkRow(
  { rule }: IdentityDraft,
  table: MemberTable,
  row: MemberRow,
  always: ReadonlySet<string>,
  { roles, settings }: Drafts,
  report: Report,
): void {
  if (row.refused !== undefined) return
  const held = rule.membersOnly ? [...rule.roles, everyone, ...row.roles] : row.roles
  const variables = new Map(
    held.flatMap(name =>
      [...variablesUsed(roles.get(name) ?? { name, rules: [], where: row.where }).keys()].map(
        variable => [variable, name] as const,
      ),
    ),
  )
  for (const [variable, name] of variables) {
    if (always.has(variable)) continue
    const value = row.attributes.get(variable)
    if (value === undefined || value === '') {
      const inOwnRole = rule.roles.includes(name) || name === everyone
      if (!table.columns.has(variable) && inOwnRole) continue // told for the identity
      report.add(
        'policy/missing-cell',
        `the row lacks \`${variable}\`, which the role \`${name}\` uses`,
        row.where,
        `give it a value${table.columns.get(variable) === 'list' ? ', or an empty list' : ''}`,
      )
      continue
    }
    for (const one of typeof value === 'string' ? [value] : value) {
      if (!isSafeValue(one, settings.alphabet))
        report.add(
          'policy/unsafe-value',
          `\`${one}\` in the column \`${variable}\` is not a safe value`,
          row.where,
          'it fills a topic level: 1 to 64 characters of A-Z a-z 0-9 . _ -',
        )
    }
  }
}

function checkCombinations(
  { rule }: IdentityDraft,
  tables: readonly MemberTable[],
  { constants, roles }: Drafts,
  report: Report,
): void {
  const lengths = new Map(
    constants.values().map(({ name, value }) => [name, typeof value === 'string' ? 1 : value.length]),
  )
  const count = (names: Iterable<string>, row?: MemberRow) => {
    let sum = 0
    for (const name of new Set(names)) {
      for (const filter of roles.get(name)?.rules.flatMap(one => one.filters) ?? []) {
        sum += [...new Set(variablesOf(filter))].reduce(
          (product, variable) => product * lengthIn(variable, row, lengths),
          1,
        )
      }
    }
    return sum
  }
  const help = `${mostCombinations} is the limit of one session: use a wildcard, or shorter lists`
  const own = count([...rule.roles, everyone])
  if (own > mostCombinations) {
    report.add('policy/too-many-combinations', `the roles of \`${rule.name}\` make ${own} rules`, rule.where, help)
    return
  }
  for (const row of tables.flatMap(table => [...table.rows.values()])) {
    const all = count([...rule.roles, everyone, ...row.roles], row)
    if (all > mostCombinations)
      report.add('policy/too-many-combinations', `the lists of this row make ${all} rules`, row.where, help)
  }
}

function lengthIn(variable: string, row: MemberRow | undefined, constants: ReadonlyMap<string, number>): number {
  const value = row?.attributes.get(variable)
  return typeof value === 'object' ? value.length : (constants.get(variable) ?? 1)
}
