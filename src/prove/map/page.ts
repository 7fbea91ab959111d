/** The map of a policy set as one HTML page: no script, no network, the same bytes for the same set. Pure. */
import { escapeHtml } from '../../observe/escape-html.ts'
import type { PolicySet } from '../../policy/model.ts'
import { layoutTree } from './layout.ts'
import { layoutLegend } from './legend.ts'
import { layoutPeople } from './people.ts'
import { type Relations, relationsOf } from './relations.ts'
import { styleSheet } from './style.ts'
import { type RoleClass, renderDrawing } from './svg.ts'
import { identitiesTable, rulesTable, shutOutTable } from './tables.ts'
import { nodesOf, type TopicNode, topicTree } from './tree.ts'
import { countOf } from './words.ts'

/** The beginning of every map: a file that begins otherwise is not ours to overwrite. */
export const mapBeginning =
  '<!doctype html>\n<!-- portcullis policy map: made by a program, and overwritten by it -->\n'

/** Even if something in the page were not escaped, it could neither run nor fetch anything. */
const contentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

export interface MapOptions {
  /** The policy folder, as a person would write it. */
  readonly folder: string
  /** Revision of the set, where it is known. */
  readonly revision?: string
}

/**
 * The whole page.
 * @example renderMap(policy.set, { folder: 'policies', revision: policy.revision })
 */
export function renderMap(set: PolicySet, options: MapOptions): string {
  const relations = relationsOf(set)
  const roots = topicTree(relations.entries)
  const roles = [...set.roles.keys()]
  const places = new Map(roles.map((role, index) => [role, `r${index}`] as const))
  const classOf: RoleClass = role => places.get(role) ?? ''
  const title = `Policy map of ${options.folder}`
  return `${mapBeginning}${[
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${escapeHtml(contentSecurityPolicy)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${styleSheet([...places.values()])}</style>`,
    '</head>',
    '<body>',
    `<header><h1>${escapeHtml(title)}</h1>`,
    `<p class="lead">${escapeHtml(summaryOf(set, relations, roots, options))}</p></header>`,
    '<main>',
    section('How to read it', renderDrawing(layoutLegend(), 'The signs of the map', classOf)),
    section('Who is who: identities and their roles', peopleOf(set, relations, classOf)),
    '<h2>Who may publish what, and who is sent it</h2>',
    ...(roots.length > 1 ? [contents(roots)] : []),
    ...(roots.length === 0 ? ['<p>No role has a rule: nobody may publish or subscribe.</p>'] : []),
    ...roots.map((root, index) => rootOf(root, index, relations, classOf)),
    '<h2>The same in words</h2>',
    `<div class="scroll">\n${rulesTable(relations, classOf)}\n${identitiesTable(set)}\n${shutOutTable(set)}\n</div>`,
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n')}`
}

function summaryOf(set: PolicySet, relations: Relations, roots: readonly TopicNode[], options: MapOptions): string {
  const rules = new Set(relations.entries.map(entry => entry.rule)).size
  return [
    ...(options.revision === undefined ? [] : [`Revision ${options.revision}`]),
    `${set.identities.size} ${set.identities.size === 1 ? 'identity' : 'identities'}`,
    countOf(set.roles.size, 'role'),
    rules === relations.entries.length
      ? countOf(rules, 'rule')
      : `${countOf(rules, 'rule')} with ${relations.entries.length} filters`,
    countOf(roots.length, 'topic root'),
  ].join(' · ')
}

function section(heading: string, content: string): string {
  return `<section><h2>${escapeHtml(heading)}</h2>\n<div class="scroll">\n${content}\n</div></section>`
}

function peopleOf(set: PolicySet, relations: Relations, classOf: RoleClass): string {
  return renderDrawing(layoutPeople(set, relations), 'Identities and the roles of each', classOf)
}

/** What is known of a root at a glance. */
function glance(root: TopicNode): string {
  const entries = [...nodesOf(root)].flatMap(node => node.entries)
  const count = (effect: string, isPublish: boolean): number =>
    entries.filter(({ rule }) => rule.effect === effect && (rule.action === 'publish') === isPublish).length
  const denies = count('deny', true) + count('deny', false)
  return [
    `${countOf(count('allow', true), 'publish rule')}`,
    `${countOf(count('allow', false), 'subscribe rule')}`,
    countOf(denies, 'deny').replace('denys', 'denies'),
  ].join(' · ')
}

function contents(roots: readonly TopicNode[]): string {
  const items = roots.map(
    (root, index) => `<li><a href="#root-${index + 1}"><code>${escapeHtml(root.path)}</code></a> ${glance(root)}</li>`,
  )
  return `<nav aria-label="Topic roots"><ul>\n${items.join('\n')}\n</ul></nav>`
}

function rootOf(root: TopicNode, index: number, relations: Relations, classOf: RoleClass): string {
  const drawing = renderDrawing(
    layoutTree(root, relations),
    `Topics below ${root.path}: who publishes, who is sent`,
    classOf,
  )
  const summary = `<b><bdi>${escapeHtml(root.path)}</bdi></b> <span class="lead">${glance(root)}</span>`
  return `<details open id="root-${index + 1}"><summary>${summary}</summary>\n<div class="scroll">\n${drawing}\n</div></details>`
}
