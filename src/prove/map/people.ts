/** Coordinates of the drawing of identities: which certificates are which identity, and the roles of each. Pure. */
import type { IdentityRule, PolicySet } from '../../policy/model.ts'
import { everyone } from '../../policy/rights-holder.ts'
import { type Drawing, drawingWidth, type Group, type Shape, type Strip } from './drawing.ts'
import type { Relations } from './relations.ts'
import { flow, heightOf, type Line, labelsOf } from './text-flow.ts'
import { countOf } from './words.ts'

const identityWidth = 410
const bus = identityWidth + 22
const rolesLeft = identityWidth + 44
const padding = 10
const gap = 8
const rowGap = 12
const chipsPerLine = 3
const chipWidth = (drawingWidth - rolesLeft - (chipsPerLine - 1) * gap) / chipsPerLine

/** One card on the left, and lines of roles on the right. */
interface Person {
  readonly name: string
  readonly facts: readonly string[]
  readonly title: string
  readonly lists: readonly RoleList[]
  readonly remarks: readonly string[]
}

interface RoleList {
  readonly look: 'always' | 'may'
  readonly heading: string
  readonly roles: readonly string[]
}

/** How an identity is told from others: the fields of its certificates, client ids, conditions. */
export function factsOf(rule: IdentityRule, set: PolicySet): readonly string[] {
  const conditions = (all: IdentityRule['from'][number]): string =>
    all.map(({ field, anyOf }) => `${field} ${anyOf.map(pattern => pattern.text).join(' or ')}`).join(', ')
  const shutOut = set.members
    .filter(table => table.of === rule.name)
    .flatMap(table => [...table.rows.values()].filter(row => row.refused !== undefined))
  return [
    ...rule.from.map((all, index) => `${index === 0 ? 'certificate' : 'or'}: ${conditions(all)}`),
    ...rule.except.map(all => `not: ${conditions(all)}`),
    ...(rule.issuer === undefined ? [] : [`issuer: ${rule.issuer}`]),
    `client id: ${rule.clientIds.map(template => template.text).join(' or ')}`,
    ...(rule.membersOnly ? ['only with a row of members'] : []),
    ...(shutOut.length === 0 ? [] : [`${countOf(shutOut.length, 'member')} shut out`]),
  ]
}

function personOf(rule: IdentityRule, set: PolicySet): Person {
  const may = rule.mayAlsoHave.filter(role => !rule.roles.includes(role))
  return {
    name: rule.name,
    facts: factsOf(rule, set),
    title: `identity ${rule.name}`,
    lists: [
      ...(rule.roles.length === 0 ? [] : [{ look: 'always' as const, heading: 'always has', roles: rule.roles }]),
      ...(may.length === 0
        ? []
        : [{ look: 'may' as const, heading: 'may also have, by a row of members', roles: may }]),
    ],
    remarks: rule.neverTogether.map(group => `never together: ${group.join(', ')}`),
  }
}

/** Roles that everybody has, and those that nobody can have. */
function crowdsOf(set: PolicySet, { holders }: Relations): readonly Person[] {
  const crowd = (name: string, fact: string, roles: readonly string[]): Person => ({
    name,
    facts: [fact],
    title: fact,
    lists: [{ look: 'always', heading: 'always has', roles }],
    remarks: [],
  })
  const unheld = [...set.roles.keys()].filter(role => {
    const { always, may } = holders.of(role)
    return always.length + may.length === 0
  })
  return [
    ...(set.roles.has(everyone) ? [crowd('every identity', 'whoever connects', [everyone])] : []),
    ...(unheld.length === 0
      ? []
      : [crowd('nobody', 'no identity has these roles: their rules are never in force', unheld)]),
  ]
}

/** What a role does, in numbers: `publish 2, subscribe 1, deny 1`. */
function countsOf(role: string, set: PolicySet): string {
  const rules = set.roles.get(role)?.rules ?? []
  const number = (effect: string, isPublish: boolean): number =>
    rules.filter(rule => rule.effect === effect && (rule.action === 'publish') === isPublish).length
  const denies = number('deny', true) + number('deny', false)
  return [
    ...(number('allow', true) > 0 ? [`publish ${number('allow', true)}`] : []),
    ...(number('allow', false) > 0 ? [`subscribe ${number('allow', false)}`] : []),
    ...(denies > 0 ? [`deny ${denies}`] : []),
  ].join(', ')
}

/** How many members of an identity have the role by a row. */
function membersWith(role: string, identity: string, set: PolicySet): number {
  return set.members
    .filter(table => table.of === identity)
    .flatMap(table => [...table.rows.values()])
    .filter(row => row.refused === undefined && row.roles.includes(role)).length
}

/** @example layoutPeople(set, relationsOf(set)).strips.length */
export function layoutPeople(set: PolicySet, relations: Relations): Drawing {
  const people = [...[...set.identities.values()].map(rule => personOf(rule, set)), ...crowdsOf(set, relations)]
  const strips: Strip[] = []
  let y = 0
  for (const person of people) {
    const { height, groups } = layoutPerson(person, y, set)
    strips.push({ y, height, groups })
    y += height
  }
  return { width: drawingWidth, height: y, strips }
}

function layoutPerson(person: Person, y: number, set: PolicySet): { height: number; groups: readonly Group[] } {
  const top = y + rowGap / 2
  const room = identityWidth - 2 * padding
  const name = flow([{ text: person.name, style: 'name' }], room, 15)
  const facts = person.facts.flatMap(text => flow([{ text, style: 'faint' }], room, 12))
  const cardHeight = heightOf(name, 15) + heightOf(facts, 12) + 12
  const roles = layoutRoles(person, top, set)
  const card: Group = {
    title: person.title,
    shapes: [{ kind: 'box', look: 'identity', x: 0, y: top, width: identityWidth, height: cardHeight }],
    labels: [...labelsOf(name, padding, top + 5, 15), ...labelsOf(facts, padding, top + 5 + heightOf(name, 15), 12)],
  }
  return { height: Math.max(cardHeight, roles.bottom - top) + rowGap, groups: [card, ...roles.groups] }
}

function layoutRoles(person: Person, top: number, set: PolicySet): { bottom: number; groups: readonly Group[] } {
  const groups: Group[] = []
  const start = top + 16
  let y = top
  for (const { look, heading, roles } of person.lists) {
    const lines = flow([{ text: heading, style: 'heading' }], drawingWidth - rolesLeft, 12)
    const middle = y + 16
    const path: Shape = {
      kind: 'line',
      look,
      points: [
        [identityWidth, start],
        [bus, start],
        [bus, middle],
        [rolesLeft - 6, middle],
      ],
    }
    groups.push({ shapes: [path], labels: labelsOf(lines, rolesLeft, y + 8, 12) })
    const chips = layoutChips(roles, look, y + 8 + heightOf(lines, 12) + 2, person.name, set)
    groups.push(...chips.groups)
    y = chips.bottom
  }
  const remarks = person.remarks.flatMap(text => flow([{ text, style: 'faint' }], drawingWidth - rolesLeft, 12))
  groups.push({ shapes: [], labels: labelsOf(remarks, rolesLeft, y, 12) })
  return { bottom: y + heightOf(remarks, 12), groups }
}

/** Roles side by side: a grid, so that many of them are found as easily as one. */
function layoutChips(
  roles: readonly string[],
  look: 'always' | 'may',
  top: number,
  identity: string,
  set: PolicySet,
): { bottom: number; groups: readonly Group[] } {
  let y = top
  const groups: Group[] = []
  for (let from = 0; from < roles.length; from += chipsPerLine) {
    const line = roles.slice(from, from + chipsPerLine).map(role => chipLines(role, look, identity, set))
    const height = Math.max(...line.map(({ name, facts }) => heightOf(name, 13) + heightOf(facts, 12))) + 8
    line.forEach(({ role, name, facts }, index) => {
      const x = rolesLeft + index * (chipWidth + gap)
      groups.push({
        role,
        title: `role ${role}`,
        shapes: [{ kind: 'box', look: look === 'may' ? 'chip-may' : 'chip', x, y, width: chipWidth, height }],
        labels: [
          ...labelsOf(name, x + padding, y + 4, 13),
          ...labelsOf(facts, x + padding, y + 4 + heightOf(name, 13), 12),
        ],
      })
    })
    y += height + gap
  }
  return { bottom: y, groups }
}

function chipLines(
  role: string,
  look: 'always' | 'may',
  identity: string,
  set: PolicySet,
): { role: string; name: readonly Line[]; facts: readonly Line[] } {
  const members = look === 'may' ? [countOf(membersWith(role, identity, set), 'member')] : []
  const facts = [...members, countsOf(role, set)].filter(text => text !== '').join(', ')
  const room = chipWidth - 2 * padding
  return {
    role,
    name: flow([{ text: role, style: 'name' }], room, 13),
    facts: flow([{ text: facts === '' ? 'no rule' : facts, style: 'faint' }], room, 12),
  }
}
