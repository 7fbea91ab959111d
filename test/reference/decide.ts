/** Slow and obviously correct: decisions by going through every rule (docs/semantics.md 3.1–3.4). */
import type { PublishFacts } from '../../src/decide/decision.ts'
import type { Rule } from '../../src/policy/model.ts'
import { referenceCovered, referenceMatches, referenceOverlaps, topics } from './match.ts'

const filtersOf = (rules: readonly Rule[]): readonly string[] =>
  rules.flatMap(rule => rule.filters.map(filter => filter.text))

const of = (rules: readonly Rule[], action: Rule['action'], effect: Rule['effect']): readonly Rule[] =>
  rules.filter(rule => rule.action === action && rule.effect === effect)

export function referencePublish(rules: readonly Rule[], topic: string, facts: PublishFacts): boolean {
  if (topic === '$SYS' || topic.startsWith('$SYS/')) return false
  const retainFits = (rule: Rule): boolean => rule.retain === undefined || rule.retain === facts.retain
  const names = (rule: Rule): boolean => rule.filters.some(filter => referenceMatches(filter.text, topic))
  const allowed = of(rules, 'publish', 'allow').some(
    rule =>
      names(rule) &&
      retainFits(rule) &&
      facts.qos <= (rule.maxQos ?? 2) &&
      facts.payloadBytes <= (rule.maxPayloadBytes ?? Number.POSITIVE_INFINITY),
  )
  return allowed && !of(rules, 'publish', 'deny').some(rule => names(rule) && retainFits(rule))
}

/** The QoS granted, or undefined. */
export function referenceSubscribe(rules: readonly Rule[], filter: string, qos: number): number | undefined {
  if (filtersOf(of(rules, 'subscribe', 'deny')).some(denied => referenceOverlaps(denied, filter))) return undefined
  for (let granted = qos; granted >= 0; granted -= 1) {
    const allows = of(rules, 'subscribe', 'allow').filter(
      rule => rule.share === undefined && (rule.maxQos ?? 2) >= granted,
    )
    if (referenceCovered(filter, filtersOf(allows))) return granted
  }
  return undefined
}

/** Narrowed: the highest QoS at which some topic of the filter is allowed and not denied. */
export function referenceNarrow(rules: readonly Rule[], filter: string, qos: number): number | undefined {
  const denied = filtersOf([...of(rules, 'subscribe', 'deny'), ...of(rules, 'receive', 'deny')])
  for (let granted = qos; granted >= 0; granted -= 1) {
    const allows = filtersOf(
      of(rules, 'subscribe', 'allow').filter(rule => rule.share === undefined && (rule.maxQos ?? 2) >= granted),
    )
    const isLeft = topics.some(
      topic =>
        referenceMatches(filter, topic) &&
        allows.some(one => referenceMatches(one, topic)) &&
        !denied.some(one => referenceMatches(one, topic)),
    )
    if (isLeft) return granted
  }
  return undefined
}

export function referenceReceive(rules: readonly Rule[], topic: string): boolean {
  const hits = (some: readonly Rule[]): boolean => filtersOf(some).some(filter => referenceMatches(filter, topic))
  const plain = of(rules, 'subscribe', 'allow').filter(rule => rule.share === undefined)
  return hits(plain) && !hits(of(rules, 'subscribe', 'deny')) && !hits(of(rules, 'receive', 'deny'))
}
