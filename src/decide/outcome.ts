/** Outcome: what stands to be decided once a topic has been read: the rules that match it, and what is left to their conditions. Pure. */
import type { Rule } from '../policy/model.ts'
import type { Permit, PublishFacts } from './decision.ts'

/** A deny of messages that are not retained, of those that are, and (both) of all. */
export const denyPlain = 1
export const denyRetained = 2
export const denyAll: number = denyPlain | denyRetained

/** Number of the outcome that no rule allows, whatever a message carries. */
export const refusal = 0

/** An allow rule with conditions, and what to answer where they hold. */
interface Conditional {
  readonly rule: Rule
  readonly permit: Permit
}

export interface Outcome {
  /** The answer, where no condition is left. */
  readonly permit: Permit | undefined
  /** Kinds of message that a deny rule takes. */
  readonly denies: number
  /** In the order of the rules, up to the first that has no condition. */
  readonly allows: readonly Conditional[]
}

/** The condition of an allow rule that a message does not meet, in words; undefined where it meets all. */
export function conditionMistake(rule: Rule, facts: PublishFacts): string | undefined {
  if (rule.retain !== undefined && rule.retain !== facts.retain)
    return `the rule is for ${rule.retain ? 'retained' : 'not retained'} messages only`
  if (rule.maxQos !== undefined && facts.qos > rule.maxQos) return `the rule allows QoS ${rule.maxQos} at most`
  if (rule.maxPayloadBytes !== undefined && facts.payloadBytes > rule.maxPayloadBytes)
    return `the rule allows ${rule.maxPayloadBytes} bytes at most, the payload has ${facts.payloadBytes}`
  return undefined
}

/** `conditionMistake` without the words. */
export function meetsConditions(rule: Rule, facts: PublishFacts): boolean {
  return (
    (rule.retain === undefined || rule.retain === facts.retain) &&
    (rule.maxQos === undefined || facts.qos <= rule.maxQos) &&
    (rule.maxPayloadBytes === undefined || facts.payloadBytes <= rule.maxPayloadBytes)
  )
}

/** Whether a deny of these kinds takes this message. */
export function isDenied(denies: number, facts: PublishFacts): boolean {
  return (denies & (facts.retain ? denyRetained : denyPlain)) !== 0
}

/** What an outcome answers to this message; undefined is a refusal. */
export function permitOf(outcome: Outcome, facts: PublishFacts): Permit | undefined {
  if (outcome.permit !== undefined) return outcome.permit
  if (isDenied(outcome.denies, facts)) return undefined
  for (const { rule, permit } of outcome.allows) if (meetsConditions(rule, facts)) return permit
  return undefined
}

/** The answer that a rule gives: one frozen object a rule, so that a permit makes no garbage. */
export function permitBy(rule: Rule): Permit {
  return Object.freeze({ effect: 'permit', rules: Object.freeze([rule]) })
}
