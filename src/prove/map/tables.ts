/** What the drawings show, as tables: for whoever does not see them, and to look up files and lines. Pure. */
import { escapeHtml } from '../../observe/escape-html.ts'
import type { IdentityRule, MemberRow, PolicySet } from '../../policy/model.ts'
import { formatWhere } from '../../problem.ts'
import type { MapEntry } from './entries.ts'
import { factsOf } from './people.ts'
import type { Relations } from './relations.ts'
import type { RoleClass } from './svg.ts'
import { conditionsOf, deadNote, flowTexts, heldBy } from './words.ts'

/** A cell of plain text; what it says may be written from right to left, and disturbs nothing beside it. */
const text = (content: string): string => (content === '' ? '' : `<bdi>${escapeHtml(content)}</bdi>`)
/** Long ones are broken behind a slash, if they must be. */
const code = (content: string): string => `<code>${escapeHtml(content).replaceAll('/', '/<wbr>')}</code>`
const lines = (all: readonly string[]): string => all.map(text).join('<br>')

/** Heads with the share of the width that each column has. */
type Head = Readonly<Record<string, number>>

function table(id: string, caption: string, head: Head, rows: readonly string[]): string {
  const heads = Object.entries(head)
    .map(([name, share]) => `<th scope="col" style="width:${share}%">${escapeHtml(name)}</th>`)
    .join('')
  return [
    `<table id="${id}"><caption>${escapeHtml(caption)}</caption>`,
    `<thead><tr>${heads}</tr></thead>`,
    '<tbody>',
    ...rows,
    '</tbody></table>',
  ].join('\n')
}

const cells = (all: readonly string[]): string => all.map(cell => `<td>${cell}</td>`).join('')

function ruleRow(entry: MapEntry, relations: Relations, classOf: RoleClass): string {
  const { number, rule, filter } = entry
  const cuts = relations.cutsOf(entry).map(({ deny, isCertain }) => {
    const link = `<a href="#rule-${deny.number}">${deny.number}</a>`
    return isCertain ? link : `${link} ${text(`(who also has ${deny.rule.role})`)}`
  })
  const dead = deadNote(entry, relations)
  const flows = flowTexts(relations.flowsOf(entry))
  const direction = rule.action === 'publish' ? 'to' : 'from'
  return [
    `<tr id="rule-${number}" class="${classOf(rule.role)}"><th scope="row">${number}</th>`,
    cells([
      text(rule.role),
      text(heldBy(rule.role, relations.holders.of(rule.role))),
      `<span class="${rule.effect}-rule">${rule.effect === 'deny' ? '× ' : ''}${rule.effect} ${rule.action}</span>`,
      code(filter.text),
      text(conditionsOf(entry)),
      [...cuts, ...(dead === undefined ? [] : [text(dead)])].join(', '),
      flows.length === 0 ? '' : text(`${direction} ${flows.join(', ')}`),
      code(formatWhere(filter.where)),
    ]),
    '</tr>',
  ].join('')
}

/** Every rule, filter by filter. */
export function rulesTable(relations: Relations, classOf: RoleClass): string {
  const head = {
    'No.': 4,
    Role: 12,
    'Held by': 12,
    Rule: 10,
    'Topic filter': 22,
    Conditions: 9,
    'Cut by': 7,
    'May pass': 13,
    Place: 11,
  }
  const rows = relations.entries.map(entry => ruleRow(entry, relations, classOf))
  return table('rules', 'Every rule', head, rows)
}

function identityRow(rule: IdentityRule, set: PolicySet): string {
  const { name, roles, mayAlsoHave, neverTogether, where } = rule
  const never = neverTogether.map(group => group.join(' + '))
  return `<tr><th scope="row">${text(name)}</th>${cells([
    lines(factsOf(rule, set)),
    text(roles.join(', ')),
    text(mayAlsoHave.join(', ')),
    lines(never),
    code(formatWhere(where)),
  ])}</tr>`
}

/** Every identity with the roles that it has and may have. */
export function identitiesTable(set: PolicySet): string {
  const head = { Identity: 14, 'Told by': 36, 'Always has': 12, 'May also have': 14, 'Never together': 12, Place: 12 }
  const rows = [...set.identities.values()].map(rule => identityRow(rule, set))
  return table('identities', 'Every identity', head, rows)
}

/** Members that the set shuts out, with the reason; nothing where there is none. */
export function shutOutTable(set: PolicySet): string {
  const out = set.members.flatMap(({ of, by, rows }) =>
    [...rows.values()].filter(row => row.refused !== undefined).map(row => shutOutRow(of, by, row)),
  )
  if (out.length === 0) return ''
  return table('shut-out', 'Members that are shut out', { Identity: 18, Member: 30, Reason: 38, Place: 14 }, out)
}

function shutOutRow(of: string, by: readonly string[], row: MemberRow): string {
  const key = by.map((name, index) => `${name}=${row.key[index] ?? ''}`).join(', ')
  return `<tr><th scope="row">${text(of)}</th>${cells([text(key), text(row.refused ?? ''), code(formatWhere(row.where))])}</tr>`
}
