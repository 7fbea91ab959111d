/**
 * What the gate would answer, and why: identity → client ids → rights → decision, without a connection. Pure.
 * `policy explain` and `try` show it.
 */
import { bindClientId, expectedClientIds } from '../../bind/client-id.ts'
import { compileRights } from '../../decide/compile-rights.ts'
import type { Decision, Qos } from '../../decide/decision.ts'
import { matchIdentity } from '../../policy/match-identity.ts'
import type { FieldTable, IdentityRule, MappedIdentity, PolicySet, RightsHolder, Rule } from '../../policy/model.ts'
import { didYouMean } from '../../policy/nearest-name.ts'
import { quote } from '../../policy/quote.ts'
import { rightsHolderOf } from '../../policy/rights-holder.ts'
import { isSafeValue, type SafeAlphabet } from '../../policy/safe-value.ts'
import { parseTopicFilter, parseTopicName } from '../../policy/topic.ts'
import { fail, formatWhere, ok, type Problem, problem, type Result, type Where } from '../../problem.ts'
import { ruleText } from './rule-text.ts'

/** Who is asked about: named outright, by certificate fields, or refused before there was an identity. */
export type ExplainedWho =
  | { readonly kind: 'identity'; readonly identity: string; readonly captures: ReadonlyMap<string, string> }
  | { readonly kind: 'fields'; readonly table: FieldTable }
  | { readonly kind: 'result'; readonly result: Result<MappedIdentity> }

export const explainedVerbs = ['publish', 'subscribe', 'receive', 'will', 'connect'] as const

export interface ExplainedAction {
  readonly verb: (typeof explainedVerbs)[number]
  /** Topic name or filter; for `connect` the client id. */
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly payloadBytes: number
}

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
  if (action.verb === 'connect') {
    const bound = bindClientId(set, identity.value, action.topic)
    return bound.ok
      ? { ...about, effect: 'permit', rules: rule === undefined ? [] : [clientIdRule(rule)] }
      : { ...about, effect: 'refuse', problem: bound.problem }
  }
  const decision = decide(set, holder.value, action)
  const rules = decision.rules.map(explainRule)
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
  }
}

function identityOf(set: PolicySet, who: ExplainedWho): Result<MappedIdentity> {
  if (who.kind === 'result') return who.result
  if (who.kind === 'fields') return matchIdentity(set, who.table)
  return namedIdentity(set, who.identity, who.captures)
}

/** An identity named outright must be one that a certificate could have: exactly its captures, and safe values. */
function namedIdentity(set: PolicySet, kind: string, captures: ReadonlyMap<string, string>): Result<MappedIdentity> {
  const rule = set.identities.get(kind)
  if (rule === undefined) {
    return fail(
      problem('tool/bad-who', `there is no identity ${quote(kind)}`, {
        help: didYouMean(kind, set.identities.keys(), 'identities'),
      }),
    )
  }
  const isExact = captures.size === rule.captures.length && rule.captures.every(name => captures.has(name))
  if (!isExact) {
    return fail(
      problem('tool/bad-who', `${kind} needs exactly ${rule.captures.join(', ') || 'no values'}`, {
        help: `write it as \`${kind}:${rule.captures.map(name => `${name}=…`).join(',')}\``,
      }),
    )
  }
  for (const [name, value] of captures) {
    if (isSafeValue(value, set.settings.alphabet) && isCapturable(rule, set.settings.alphabet, name, value)) continue
    return fail(
      problem('tool/bad-who', `${name} cannot be ${quote(value)}: no certificate with such a value is accepted`, {
        help: 'a value has 1 to 64 letters, digits, `.`, `_` or `-`, begins with neither `.` nor `-`, and is of the kind that `from:` says',
      }),
    )
  }
  return ok({ kind, captures })
}

function decide(set: PolicySet, holder: RightsHolder, action: ExplainedAction): Decision {
  const compiled = compileRights(set, holder)
  const { verb, qos, retain, payloadBytes } = action
  if (!compiled.ok) return refused(compiled.problem)
  const rights = compiled.value
  if (verb === 'subscribe') {
    const filter = parseTopicFilter(action.topic)
    return filter.ok ? rights.subscribe(filter.value, qos) : refused(filter.problem)
  }
  const topic = parseTopicName(action.topic)
  if (!topic.ok) return refused(topic.problem)
  return verb === 'receive' ? rights.receive(topic.value) : rights.publish(topic.value, { qos, retain, payloadBytes })
}

function refused(p: Problem): Decision {
  return { effect: 'refuse', problem: p, rules: [] }
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

/** Whether some alternative of `from:` could capture this value. */
function isCapturable(rule: IdentityRule, alphabet: SafeAlphabet, name: string, value: string): boolean {
  return rule.from.some(conditions =>
    conditions
      .flatMap(condition => condition.anyOf.flatMap(pattern => pattern.parts))
      .every(part => part.type !== 'variable' || part.name !== name || isSafeValue(value, alphabet, part.kind)),
  )
}
