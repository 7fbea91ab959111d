/** What somebody can do under one set and could not under another, as topics with a witness. Pure. */
import { uncoveredTopic } from '../../policy/filter-algebra.ts'
import type { Rule } from '../../policy/model.ts'
import { everyone } from '../../policy/rights-holder.ts'
import type { TopicFilter } from '../../policy/topic.ts'
import { type Assignment, assignments, filterIn } from '../assign.ts'
import { Bindings } from '../bindings.ts'
import { meetFilters } from '../meet-filters.ts'
import { grantsOf, type SymbolicGrant } from '../person.ts'
import type { StepBudget } from '../too-complex.ts'
import type { SymbolicLevel } from '../variable.ts'
import type { Side } from './subjects.ts'

export type GainedAction = 'publish' | 'subscribe' | 'receive'

export interface Gain {
  readonly action: GainedAction
  /** As the rule means it for this subject: `plant/${site}/pump-7/state`. */
  readonly filter: string
  /** Where not all of it is gained: `retained`, `QoS 2`, `share g`. */
  readonly condition: string
  readonly rule: Rule
  readonly topic: string
  readonly captures: ReadonlyMap<string, string>
}

/** A way to do it that rules tell apart: retained or not, as a group or alone. */
interface Cell {
  readonly action: GainedAction
  readonly retain?: boolean
  readonly group?: string
}

function allowsIn(rule: Rule, { action, retain, group }: Cell): boolean {
  if (rule.effect !== 'allow') return false
  if (action === 'publish') return rule.action === 'publish' && (rule.retain ?? retain) === retain
  if (rule.action !== 'subscribe') return false
  return group === undefined ? rule.share === undefined : rule.share?.includes(group) === true
}

function deniesIn(rule: Rule, { action, retain, group }: Cell): boolean {
  if (rule.effect !== 'deny') return false
  if (action === 'publish') return rule.action === 'publish' && (rule.retain ?? retain) === retain
  if (rule.action === 'subscribe') return true
  // a shared subscription that a delivery would be cut from is refused whole
  return rule.action === 'receive' && (action === 'receive' || group !== undefined)
}

function cellsOf(rule: Rule): readonly Cell[] {
  if (rule.action === 'publish')
    return (rule.retain === undefined ? [false, true] : [rule.retain]).map(retain => ({ action: 'publish', retain }))
  if (rule.share !== undefined) return rule.share.map(group => ({ action: 'subscribe', group }))
  return [{ action: 'subscribe' }, { action: 'receive' }]
}

const anyBytes = Number.POSITIVE_INFINITY

/** The allow reaches as far as the other's conditions do. */
function reachesFor(rule: Rule, qos: number, bytes: number): boolean {
  return (rule.maxQos ?? 2) >= qos && (rule.maxPayloadBytes ?? anyBytes) >= bytes
}

/**
 * Exact: what an allow of `now` gives is gained where no allow of `then` gives it at the furthest point of its conditions, or
 * where a deny of `then` took it; and in both cases no deny of `now` takes it (docs/decisions/0008).
 */
export function gainsOf(
  then: Side | undefined,
  now: Side,
  named: ReadonlySet<string>,
  budget: StepBudget,
): readonly Gain[] {
  const allows = grantsOf(now.set, now.person, now.roles, rule => rule.effect === 'allow')
  return allows.flatMap(grant => {
    const gains = cellsOf(grant.rule).flatMap(cell => {
      // each allow is compared with every rule of the other set
      budget.spend(50 + 5 * allows.length)
      return gainIn(then, now, grant, cell, named) ?? []
    })
    const [first, second] = gains
    // with and without retain, or what it subscribes to and is therefore sent: told once
    if (first === undefined || second === undefined || grant.rule.share !== undefined) return gains
    return [{ ...first, condition: first.condition.replace(/^not retained(, )?/, '') }]
  })
}

function gainIn(
  then: Side | undefined,
  now: Side,
  grant: SymbolicGrant,
  cell: Cell,
  named: ReadonlySet<string>,
): Gain | undefined {
  const qos = grant.rule.maxQos ?? 2
  const bytes = cell.action === 'publish' ? (grant.rule.maxPayloadBytes ?? anyBytes) : 0
  const denies = grantsOf(now.set, now.person, [...now.roles, everyone], rule => deniesIn(rule, cell))
  const given = then === undefined ? [] : grantsOf(then.set, then.person, then.roles, rule => allowsIn(rule, cell))
  const taken =
    then === undefined ? [] : grantsOf(then.set, then.person, [...then.roles, everyone], rule => deniesIn(rule, cell))
  const reaching = (least: boolean): readonly SymbolicGrant[] =>
    given.filter(({ rule }) =>
      cell.action === 'receive' ? true : least ? reachesFor(rule, 0, 0) : reachesFor(rule, qos, bytes),
    )
  // captures stay variables, so that all members who gain the same are told as one
  const filter = grant.template.levels
    .map((level, index) =>
      level.kind === 'variable' && now.person.captures.has(level.name) ? `\${${level.name}}` : grant.levels[index],
    )
    .join('/')
  const outside = (least: boolean) =>
    witness(now, grant.levels, new Bindings(), named, assignment => all([...denies, ...reaching(least)], assignment))
  const gained = (at: Witness, more: string): Gain => ({
    action: cell.action,
    filter,
    rule: grant.rule,
    condition: conditionOf(grant.rule, cell, more),
    ...at,
  })
  const whole = outside(true) ?? afterDenies(now, grant, taken, denies, named)
  if (whole !== undefined) return gained(whole, '')
  const further = outside(false)
  return further === undefined ? undefined : gained(further, `beyond what it could, up to ${limitsOf(qos, bytes)}`)
}

function limitsOf(qos: number, bytes: number): string {
  return `QoS ${qos}${bytes === anyBytes ? '' : `, ${bytes} bytes`}`
}

function conditionOf(rule: Rule, { retain, group }: Cell, more: string): string {
  const retained = retain === undefined ? '' : retain ? 'retained' : 'not retained'
  const shared = group === undefined ? '' : `shared as ${group}`
  const limits =
    more === '' && (rule.maxQos !== undefined || rule.maxPayloadBytes !== undefined)
      ? `up to ${limitsOf(rule.maxQos ?? 2, rule.maxPayloadBytes ?? anyBytes)}`
      : more
  return [retained, shared, limits].filter(part => part !== '').join(', ')
}

/** What a deny took before, and none takes now. */
function afterDenies(
  now: Side,
  grant: SymbolicGrant,
  taken: readonly SymbolicGrant[],
  denies: readonly SymbolicGrant[],
  named: ReadonlySet<string>,
): Witness | undefined {
  for (const deny of taken) {
    const bindings = new Bindings()
    const joint = meetFilters(grant.levels, deny.levels, bindings)
    if (joint === undefined) continue
    const found = witness(now, joint, bindings, named, assignment => all(denies, assignment))
    if (found !== undefined) return found
  }
  return undefined
}

interface Witness {
  readonly topic: string
  readonly captures: ReadonlyMap<string, string>
}

function all(grants: readonly SymbolicGrant[], assignment: Assignment): readonly TopicFilter[] {
  return grants.map(({ levels }) => filterIn(levels, assignment))
}

function witness(
  { person }: Side,
  levels: readonly SymbolicLevel[],
  bindings: Bindings,
  named: ReadonlySet<string>,
  covers: (assignment: Assignment) => readonly TopicFilter[],
): Witness | undefined {
  for (const assignment of assignments([person], bindings, named)) {
    const topic = uncoveredTopic(filterIn(levels, assignment), covers(assignment))
    if (topic === undefined) continue
    return { topic, captures: new Map([...person.captures].map(([name, value]) => [name, assignment(value)])) }
  }
  return undefined
}
