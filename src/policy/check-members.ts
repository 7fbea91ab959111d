/** From tables as they were read to member tables: keys, roles and columns checked against their identity. Pure. */
import type { Where } from '../problem.ts'
import type { Drafts } from './drafts.ts'
import { type MemberRow, type MemberTable, memberKey } from './model.ts'
import { didYouMean } from './nearest-name.ts'
import type { IdentityDraft } from './read-identities.ts'
import type { RowDraft, TableDraft } from './read-members.ts'
import type { Report } from './report.ts'
import { isSafeValue } from './safe-value.ts'

/** The member tables of a set; what cannot be made sense of is reported and left out. */
export function checkMembers(drafts: Drafts, report: Report): readonly MemberTable[] {
  const tables: MemberTable[] = []
  for (const table of drafts.tables.values()) {
    const identity = table.of === undefined ? undefined : drafts.identities.get(table.of.text)
    if (table.of !== undefined && !drafts.identities.has(table.of.text) && !report.isUnread('identities')) {
      report.add(
        'policy/unknown-identity',
        `there is no identity \`${table.of.text}\``,
        table.of.where,
        didYouMean(table.of.text, drafts.identities.keys(), 'identities'),
      )
    }
    if (identity === undefined) continue
    checkKeyColumns(table, identity, report)
    checkColumnNames(table, identity, tables, drafts, report)
    tables.push({
      name: table.name,
      of: identity.rule.name,
      by: (table.by ?? []).map(column => column.text),
      columns: new Map([...table.columns].filter(([column]) => !table.by?.some(one => one.text === column))),
      rows: readRows(table, identity, drafts, report),
      where: table.where,
    })
  }
  for (const identity of drafts.identities.values()) {
    checkNeverTogether(
      identity,
      tables.filter(table => table.of === identity.rule.name),
      report,
    )
  }
  return tables
}

/** All captures, or all of `unique`: so that a row can never mean the pump-7 of every site. */
function checkKeyColumns({ by }: TableDraft, { rule, variablesKnown }: IdentityDraft, report: Report): void {
  const first = by?.[0]
  if (by === undefined || first === undefined || !variablesKnown) return
  const given = sorted(by.map(column => column.text))
  if (given === sorted(rule.captures) || (rule.unique.length > 0 && given === sorted(rule.unique))) return
  const unique = rule.unique.length > 0 ? `, or [${rule.unique.join(', ')}]` : ''
  report.add(
    'policy/members-key',
    `\`by\` names ${given}, which does not tell one \`${rule.name}\` from another`,
    first.where,
    `write [${rule.captures.join(', ')}]${unique}; \`unique:\` says which captures suffice`,
  )
}

function sorted(names: readonly string[]): string {
  return [...names].sort().join(', ')
}

function checkColumnNames(
  table: TableDraft,
  { rule }: IdentityDraft,
  before: readonly MemberTable[],
  { constants }: Drafts,
  report: Report,
): void {
  for (const column of table.columns.keys()) {
    if (table.by?.some(one => one.text === column)) continue
    const other = before.find(one => one.of === rule.name && one.columns.has(column))
    const kind = rule.captures.includes(column)
      ? 'a capture'
      : rule.set.has(column)
        ? 'in `set:`'
        : constants.has(column)
          ? 'a constant'
          : other === undefined
            ? undefined
            : `a column of the table \`${other.name}\``
    if (kind !== undefined)
      report.add(
        'policy/name-clash',
        `the column \`${column}\` of the table \`${table.name}\` is also ${kind}`,
        table.where,
        'rename the column',
      )
  }
}

function readRows(
  table: TableDraft,
  identity: IdentityDraft,
  drafts: Drafts,
  report: Report,
): ReadonlyMap<string, MemberRow> {
  const rows = new Map<string, MemberRow>()
  for (const draft of table.rows ?? []) {
    const key = readKey(table, draft, drafts, report)
    if (key === undefined) continue
    const first = rows.get(memberKey(key))
    if (first !== undefined) {
      report.add(
        'policy/duplicate-member',
        `the member \`${key.join(', ')}\` has two rows, first in line ${first.where.line}`,
        draft.where,
        'merge the two rows',
      )
      continue
    }
    const refused = draft.cells.get('refused')?.value
    rows.set(memberKey(key), {
      key,
      roles: readRoles(draft, identity, report),
      refused: typeof refused === 'string' && refused !== '' ? refused : undefined,
      attributes: new Map(
        [...draft.cells]
          .filter(([column]) => table.columns.has(column) && !table.by?.some(one => one.text === column))
          .map(([column, cell]) => [column, cell.value]),
      ),
      where: draft.where,
    })
  }
  return rows
}

function readKey(
  table: TableDraft,
  row: RowDraft,
  { settings }: Drafts,
  report: Report,
): readonly string[] | undefined {
  const key: string[] = []
  for (const column of table.by ?? []) {
    const cell = row.cells.get(column.text)
    if (cell === undefined && !table.columns.has(column.text)) return undefined // the column is missing: told once, for the table
    if (cell === undefined) {
      report.add('policy/missing-cell', `the row lacks \`${column.text}\``, row.where, 'every row names its member')
      return undefined
    }
    if (typeof cell.value !== 'string') return undefined
    if (!isSafeValue(cell.value, settings.alphabet)) {
      report.add(
        'policy/unsafe-value',
        `\`${cell.value}\` in the column \`${column.text}\` is not a safe value`,
        cell.where,
        'no certificate can hold it: nothing is trimmed or case-folded',
      )
      return undefined
    }
    key.push(cell.value)
  }
  return key.length === 0 ? undefined : key
}

function readRoles(row: RowDraft, { rule }: IdentityDraft, report: Report): readonly string[] {
  const cell = row.cells.get('roles')
  if (cell === undefined || typeof cell.value === 'string') return []
  for (const role of cell.value) {
    if (rule.mayAlsoHave.includes(role)) continue
    const help = rule.roles.includes(role)
      ? `every \`${rule.name}\` has it already: take it out of the row`
      : didYouMean(role, rule.mayAlsoHave, `\`mayAlsoHave\` of \`${rule.name}\``)
    report.add(
      'policy/role-not-allowed',
      `a row of members may not give \`${role}\` to a \`${rule.name}\``,
      cell.where,
      help,
    )
  }
  return cell.value
}

/** One member has at most one role of each `neverTogether` list, counting its rows in all tables. */
function checkNeverTogether({ rule }: IdentityDraft, tables: readonly MemberTable[], report: Report): void {
  if (rule.neverTogether.length === 0) return
  const held = new Map<string, Set<string>>()
  for (const table of tables) {
    for (const row of table.rows.values()) {
      const member = memberOf(table, row, rule.unique)
      const roles = held.get(member) ?? new Set(rule.roles)
      const before = conflict(roles, rule.neverTogether)
      for (const role of row.roles) roles.add(role)
      held.set(member, roles)
      const found = conflict(roles, rule.neverTogether)
      if (found !== undefined && before === undefined) tellConflict(row, found, row.where, report)
    }
  }
}

/** One name for a member, whether its row names all captures or only `unique`. */
function memberOf(table: MemberTable, row: MemberRow, unique: readonly string[]): string {
  const columns = unique.length > 0 ? unique : [...table.by].sort()
  return memberKey(columns.map(column => row.key[table.by.indexOf(column)] ?? ''))
}

function conflict(roles: ReadonlySet<string>, groups: readonly (readonly string[])[]): readonly string[] | undefined {
  return groups.map(group => group.filter(role => roles.has(role))).find(group => group.length > 1)
}

function tellConflict(row: MemberRow, roles: readonly string[], where: Where, report: Report): void {
  report.add(
    'policy/never-together',
    `the member \`${row.key.join(', ')}\` has ${roles.map(role => `\`${role}\``).join(' and ')}, which \`neverTogether\` forbids`,
    where,
    'take one of them out',
  )
}
