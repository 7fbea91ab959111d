/** What somebody can do under one set and could not under another, as topics with a witness. Pure. */
import { uncoveredTopic } from '../../policy/filter-algebra.ts'
import type { Rule } from '../../policy/model.ts'
import { assignments, filterIn } from '../assign.ts'
import { Bindings } from '../bindings.ts'
import { grantsBy, grantsMeeting } from '../grant-index.ts'
import { meetFilters } from '../meet-filters.ts'
import type { SymbolicGrant } from '../person.ts'
import { asking, type StepBudget } from '../too-complex.ts'
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
export function* gainsOf(
  then: Side | undefined,
  now: Side,
  named: ReadonlySet<string>,
  budget: StepBudget,
): Generator<Gain> {
  for (const grant of grantsBy(now, 'allow')) {
    const gains = asking(grant.template.where, () =>
      cellsOf(grant.rule).flatMap(cell => {
        budget.spend(50)
        return gainIn(then, now, grant, cell, { named, budget }) ?? []
      }),
    )
    const [first, second] = gains
    // with and without retain, or what it subscribes to and is therefore sent: told once
    if (first === undefined || second === undefined || grant.rule.share !== undefined) yield* gains
    else yield { ...first, condition: first.condition.replace(/^not retained(, )?/, '') }
  }
}

function gainIn(then: Side | undefined, now: Side, grant: SymbolicGrant, cell: Cell, search: Search): Gain | undefined {
  const qos = grant.rule.maxQos ?? 2
  const bytes = cell.action === 'publish' ? (grant.rule.maxPayloadBytes ?? anyBytes) : 0
  const meeting = (side: Side | undefined, effect: Rule['effect'], levels: readonly SymbolicLevel[]) =>
    side === undefined ? [] : [...grantsMeeting(side, effect, levels, search.budget)]
  const denies: Meeting = levels => meeting(now, 'deny', levels).filter(({ rule }) => deniesIn(rule, cell))
  const given =
    (least: boolean): Meeting =>
    levels =>
      meeting(then, 'allow', levels).filter(
        ({ rule }) =>
          allowsIn(rule, cell) &&
          (cell.action === 'receive' || (least ? reachesFor(rule, 0, 0) : reachesFor(rule, qos, bytes))),
      )
  const taken = meeting(then, 'deny', grant.levels).filter(({ rule }) => deniesIn(rule, cell))
  // captures stay variables, so that all members who gain the same are told as one
  const filter = grant.template.levels
    .map((level, index) =>
      level.kind === 'variable' && now.person.captures.has(level.name) ? `\${${level.name}}` : grant.levels[index],
    )
    .join('/')
  const outside = (least: boolean) =>
    witness(now, grant.levels, new Bindings(), search, levels => [...denies(levels), ...given(least)(levels)])
  const gained = (at: Witness, more: string): Gain => ({
    action: cell.action,
    filter,
    rule: grant.rule,
    condition: conditionOf(grant.rule, cell, more),
    ...at,
  })
  const whole = outside(true) ?? afterDenies(now, grant, taken, denies, search)
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
  denies: Meeting,
  search: Search,
): Witness | undefined {
  for (const deny of taken) {
    const bindings = new Bindings()
    const joint = meetFilters(grant.levels, deny.levels, bindings)
    if (joint === undefined) continue
    const found = witness(now, joint, bindings, search, denies)
    if (found !== undefined) return found
  }
  return undefined
}

interface Witness {
  readonly topic: string
  readonly captures: ReadonlyMap<string, string>
}

/** What all steps of a search need. */
interface Search {
  readonly named: ReadonlySet<string>
  readonly budget: StepBudget
}

/** Grants that may meet a filter. */
type Meeting = (levels: readonly SymbolicLevel[]) => readonly SymbolicGrant[]

function witness(
  { person }: Side,
  levels: readonly SymbolicLevel[],
  bindings: Bindings,
  { named }: Search,
  covering: Meeting,
): Witness | undefined {
  for (const assignment of assignments([person], bindings, named)) {
    const filter = filterIn(levels, assignment)
    const topic = uncoveredTopic(
      filter,
      covering(filter.split('/')).map(one => filterIn(one.levels, assignment)),
    )
    if (topic === undefined) continue
    return { topic, captures: new Map([...person.captures].map(([name, value]) => [name, assignment(value)])) }
  }
  return undefined
}
