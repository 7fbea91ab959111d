/**
 * Which rules determined a decision: all of them, a rule with a list of filters being one for each. A decision itself names as
 * many as a reader wants to see; tests and their coverage ask for the rest, so this is plain rather than fast. Pure.
 */
import { intersection, isCovered, matches, overlaps } from '../policy/filter-algebra.ts'
import { expandFilter } from '../policy/filter-template.ts'
import type { PolicySet, RightsHolder, Rule, TestAction } from '../policy/model.ts'
import type { TopicFilter, TopicName } from '../policy/topic.ts'
import type { Where } from '../problem.ts'
import type { Decision, Permit, Refuse } from './decision.ts'
import { deniesOf, type Grant } from './grant.ts'
import { isDenied, meetsConditions } from './outcome.ts'
import { grantsOf } from './role-set.ts'

/** A filter of a rule, and what it comes to for one holder. */
export interface HeldGrant extends Grant {
  readonly filters: readonly TopicFilter[]
}

/** Every filter of every rule that a holder has. */
export function heldGrants(set: PolicySet, { roles, variables }: RightsHolder): readonly HeldGrant[] {
  return grantsOf(set, roles).map(grant => ({ ...grant, filters: expandFilter(grant.template, variables) }))
}

/** The place to show: the filter's own where its rule has a list of them. */
export function placeOf({ rule, template }: Grant): Where {
  return rule.filters.length > 1 ? template.where : rule.where
}

/**
 * The grants that determined the decision of an action: of a permit every allow that grants it, of a refusal every deny that
 * takes it; none where nothing allowed it (docs/policy-language.md, coverage).
 */
export function determiningGrants(
  held: readonly HeldGrant[],
  action: TestAction,
  decision: Decision,
): readonly HeldGrant[] {
  if (decision.effect === 'refuse') return decision.rules.length === 0 ? [] : denying(held, action, decision)
  return held
    .filter(({ rule }) => rule.effect === 'allow' && rule.share === undefined)
    .filter(allowing(action, decision, held))
}

function denying(held: readonly HeldGrant[], action: TestAction, { rules }: Refuse): readonly HeldGrant[] {
  const denies = held.filter(({ rule }) => rule.effect === 'deny')
  if (action.verb === 'subscribe') {
    // a receive deny refuses a subscription only where it leaves nothing of it, and then no subscribe deny meets it
    const kinds: readonly Rule['action'][] = rules[0]?.action === 'receive' ? ['receive', 'subscribe'] : ['subscribe']
    return denies.filter(({ rule, filters }) => kinds.includes(rule.action) && filters.some(meeting(action)))
  }
  if (action.verb === 'receive')
    return denies.filter(({ rule, filters }) => rule.action !== 'publish' && filters.some(taking(action)))
  return denies.filter(
    ({ rule, filters }) =>
      rule.action === 'publish' && isDenied(deniesOf(rule), action) && filters.some(taking(action)),
  )
}

type Holds = (grant: HeldGrant) => boolean

function allowing(action: TestAction, permit: Permit, held: readonly HeldGrant[]): Holds {
  if (action.verb === 'subscribe') return granting(action, permit, held)
  if (action.verb === 'receive')
    return ({ rule, filters }) => rule.action === 'subscribe' && filters.some(taking(action))
  return ({ rule, filters }) =>
    rule.action === 'publish' && meetsConditions(rule, action) && filters.some(taking(action))
}

/** Allows at the granted QoS that have a topic in common with the filter, one that is not denied where the grant is narrowed. */
function granting(action: TestAction, { grantedQos, narrowed }: Permit, held: readonly HeldGrant[]): Holds {
  const denied = narrowed ? held.flatMap(({ rule, filters }) => (isReceiveDeny(rule) ? filters : [])) : []
  const isGranted = (filter: TopicFilter): boolean => {
    const joint = intersection(filter, action.topic as TopicFilter)
    return joint !== undefined && !isCovered(joint, denied)
  }
  return ({ rule, filters }) =>
    rule.action === 'subscribe' && (rule.maxQos ?? 2) >= (grantedQos ?? 0) && filters.some(isGranted)
}

function isReceiveDeny({ effect, action }: Rule): boolean {
  return effect === 'deny' && action !== 'publish'
}

/** A decision that names a rule was of a valid topic or filter. */
const taking =
  ({ topic }: TestAction) =>
  (filter: TopicFilter): boolean =>
    matches(filter, topic as TopicName)

const meeting =
  ({ topic }: TestAction) =>
  (filter: TopicFilter): boolean =>
    overlaps(filter, topic as TopicFilter)
