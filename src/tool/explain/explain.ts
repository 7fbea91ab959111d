/**
 * What the gate would answer, and why: identity → client ids → rights → decision, without a connection. Pure.
 * `policy explain` and `try` show it.
 */
import { expectedClientIds } from '../../bind/client-id.ts'
import { type AskedAction, askedVerbs, askHolder } from '../../decide/ask.ts'
import type { Decision, Qos } from '../../decide/decision.ts'
import { matchIdentity } from '../../policy/match-identity.ts'
import type { FieldTable, IdentityRule, MappedIdentity, PolicySet, RightsHolder, Rule } from '../../policy/model.ts'
import { namedIdentity } from '../../policy/named-identity.ts'
import { rightsHolderOf } from '../../policy/rights-holder.ts'
import { formatWhere, type Problem, type Result, type Where } from '../../problem.ts'
import { ruleText } from './rule-text.ts'

/** Who is asked about: named outright, by certificate fields, or refused before there was an identity. */
export type ExplainedWho =
  | { readonly kind: 'identity'; readonly identity: string; readonly captures: ReadonlyMap<string, string> }
  | { readonly kind: 'fields'; readonly table: FieldTable }
  | { readonly kind: 'result'; readonly result: Result<MappedIdentity> }

export const explainedVerbs: typeof askedVerbs = askedVerbs
export type ExplainedAction = AskedAction

export interface ExplainedRule {
  readonly text: string
  readonly where: Where
}

export interface Explanation {
  readonly effect: 'permit' | 'refuse'
  readonly action: ExplainedAction
  readonly identity?: MappedIdentity
  /** Client ids that the identity may use; `+` stands for one free value. */
  readonly clientIds: readonly string[]
  readonly roles: readonly string[]
  /** The rules that decided. */
  readonly rules: readonly ExplainedRule[]
  /** Where nothing decided: the allow rules that come nearest; `problem.help` says what of them does not fit. */
  readonly nearest: readonly ExplainedRule[]
  /** subscribe only: the highest QoS that may be granted. */
  readonly grantedQos?: Qos
  /** subscribe only: the filter is wider than what is allowed, and delivery brings the allowed part. */
  readonly narrowed?: true
  /** Why it is refused. */
  readonly problem?: Problem
}

/**
 * Explains one decision of a policy set.
 * @example explain(set, { kind: 'fields', table }, { verb: 'publish', topic: 'plant/s1/pump-7/state', qos: 0, retain: false, payloadBytes: 0 })
 */
export function explain(set: PolicySet, who: ExplainedWho, action: ExplainedAction): Explanation {
  const nothingKnown = { action, clientIds: [], roles: [], rules: [], nearest: [] }
  const identity = identityOf(set, who)
  if (!identity.ok) return { ...nothingKnown, effect: 'refuse', problem: identity.problem }
  const rule = set.identities.get(identity.value.kind)
  const known = { ...nothingKnown, identity: identity.value, clientIds: expectedClientIds(set, identity.value, '+') }
  const holder = rightsHolderOf(set, identity.value)
  if (!holder.ok) return { ...known, effect: 'refuse', problem: holder.problem }
  const about = { ...known, roles: holder.value.roles }
  const decision = askHolder(set, holder.value, action)
  const isConnect = action.verb === 'connect' && decision.effect === 'permit'
  const rules = isConnect ? (rule === undefined ? [] : [clientIdRule(rule)]) : decision.rules.map(explainRule)
  if (decision.effect === 'refuse') {
    return {
      ...about,
      effect: 'refuse',
      rules,
      nearest: nearestRules(set, holder.value, decision),
      problem: decision.problem,
    }
  }
  return {
    ...about,
    effect: 'permit',
    rules,
    ...(decision.grantedQos === undefined ? {} : { grantedQos: decision.grantedQos }),
    ...(decision.narrowed === undefined ? {} : { narrowed: decision.narrowed }),
  }
}

function identityOf(set: PolicySet, who: ExplainedWho): Result<MappedIdentity> {
  if (who.kind === 'result') return who.result
  if (who.kind === 'fields') return matchIdentity(set, who.table)
  return namedIdentity(set, { kind: who.identity, captures: who.captures })
}

function explainRule(rule: Rule): ExplainedRule {
  return { text: ruleText(rule), where: rule.where }
}

function clientIdRule(rule: IdentityRule): ExplainedRule {
  return { text: `clientId ${rule.clientIds.map(template => template.text).join(', ')}`, where: rule.where }
}

/** The rules that a refusal points at without having been decided by them. */
function nearestRules(set: PolicySet, holder: RightsHolder, decision: Decision): readonly ExplainedRule[] {
  if (decision.effect === 'permit' || decision.rules.length > 0 || decision.problem.where === undefined) return []
  const place = formatWhere(decision.problem.where)
  const rules = holder.roles.flatMap(name => set.roles.get(name)?.rules ?? [])
  return rules.filter(rule => formatWhere(rule.where) === place).map(explainRule)
}
