/**
 * Rights decided by going through every rule, one filter at a time: what compiled decisions must agree with, reasons included.
 * Slow; the algebra that it stands on is itself tested against listed topics.
 */
import type { Decision, PublishFacts, Qos, Rights } from '../../src/decide/decision.ts'
import { conditionMistake } from '../../src/decide/outcome.ts'
import {
  conditionProblem,
  deniedProblem,
  fittingLevels,
  isReserved,
  noRuleProblem,
  reservedProblem,
} from '../../src/decide/reason.ts'
import { intersection, isCovered, matches, overlaps } from '../../src/policy/filter-algebra.ts'
import { expandFilter } from '../../src/policy/filter-template.ts'
import type { PolicySet, RightsHolder, Rule, RuleAction } from '../../src/policy/model.ts'
import type { TopicFilter, TopicName } from '../../src/policy/topic.ts'

interface Grant {
  readonly filter: TopicFilter
  readonly rule: Rule
}

export class LinearRights implements Rights {
  readonly #grants: readonly Grant[]
  readonly #plain: readonly Grant[]
  readonly #isNarrowing: boolean

  constructor(set: PolicySet, holder: RightsHolder) {
    const rules = [...new Set(holder.roles)].flatMap(name => set.roles.get(name)?.rules ?? [])
    this.#grants = rules.flatMap(rule =>
      rule.filters.flatMap(template => expandFilter(template, holder.variables).map(filter => ({ filter, rule }))),
    )
    this.#plain = this.#of('subscribe', 'allow').filter(({ rule }) => rule.share === undefined)
    this.#isNarrowing = set.settings.onBroadSubscribe === 'narrow'
  }

  #of(action: RuleAction, effect: Rule['effect']): readonly Grant[] {
    return this.#grants.filter(({ rule }) => rule.action === action && rule.effect === effect)
  }

  publish(topic: TopicName, facts: PublishFacts): Decision {
    if (isReserved(topic)) return { effect: 'refuse', rules: [], problem: reservedProblem(topic) }
    const denied = this.#of('publish', 'deny').find(
      ({ rule, filter }) => (rule.retain === undefined || rule.retain === facts.retain) && matches(filter, topic),
    )
    if (denied !== undefined) return refuse(denied, 'publish', topic)
    const allow = this.#of('publish', 'allow')
    const fitting = allow.filter(({ filter }) => matches(filter, topic))
    const granted = fitting.find(({ rule }) => conditionMistake(rule, facts) === undefined)
    if (granted !== undefined) return { effect: 'permit', rules: [granted.rule] }
    const [near] = fitting
    if (near === undefined) return nothingAllows('publish', topic, allow)
    const mistake = conditionMistake(near.rule, facts) as string
    return { effect: 'refuse', rules: [], problem: conditionProblem('publish', topic, near.rule, mistake) }
  }

  receive(topic: TopicName): Decision {
    const denies = [...this.#of('receive', 'deny'), ...this.#of('subscribe', 'deny')]
    const denied = denies.find(({ filter }) => matches(filter, topic))
    if (denied !== undefined) return refuse(denied, 'receive', topic)
    const granted = this.#plain.find(({ filter }) => matches(filter, topic))
    if (granted !== undefined) return { effect: 'permit', rules: [granted.rule] }
    return nothingAllows('receive', topic, this.#plain)
  }

  subscribe(filter: TopicFilter, qos: Qos): Decision {
    const whole = this.#subscribeWhole(filter, qos)
    return this.#isNarrowing ? this.#narrow(filter, qos, whole) : whole
  }

  #subscribeWhole(filter: TopicFilter, qos: Qos): Decision {
    const denied = this.#of('subscribe', 'deny').find(grant => overlaps(grant.filter, filter))
    if (denied !== undefined) return refuse(denied, 'subscribe', filter)
    for (let level = qos; level >= 0; level -= 1) {
      const grants = this.#plain.filter(({ rule }) => (rule.maxQos ?? 2) >= level)
      const filters = grants.map(grant => grant.filter)
      if (!isCovered(filter, filters)) continue
      const rules = new Set(grants.filter(grant => overlaps(grant.filter, filter)).map(({ rule }) => rule))
      return { effect: 'permit', rules: [...rules], grantedQos: level as Qos }
    }
    return nothingAllows('subscribe', filter, this.#plain)
  }

  #narrow(filter: TopicFilter, qos: Qos, whole: Decision): Decision {
    const denies = [...this.#of('receive', 'deny'), ...this.#of('subscribe', 'deny')]
    const leavesSome = ({ filter: allowed }: Grant): boolean => {
      const part = intersection(filter, allowed)
      const filters = denies.map(deny => deny.filter)
      return part !== undefined && !isCovered(part, filters)
    }
    for (let level = qos; level >= 0; level -= 1) {
      const grants = this.#plain.filter(grant => (grant.rule.maxQos ?? 2) >= level && leavesSome(grant))
      if (grants.length === 0) continue
      if (whole.effect === 'permit' && whole.grantedQos === level) return whole
      const rules = [...new Set(grants.map(({ rule }) => rule))]
      return { effect: 'permit', rules, grantedQos: level as Qos, narrowed: true }
    }
    if (whole.effect === 'refuse') return whole
    const denied = this.#of('receive', 'deny').find(grant => overlaps(grant.filter, filter))
    return denied === undefined ? nothingAllows('subscribe', filter, this.#plain) : refuse(denied, 'subscribe', filter)
  }
}

function refuse(grant: Grant, action: RuleAction, topic: string): Decision {
  return { effect: 'refuse', rules: [grant.rule], problem: deniedProblem(action, topic, grant) }
}

function nothingAllows(action: RuleAction, topic: string, among: readonly Grant[]): Decision {
  const fitting = among.map(({ filter }) => fittingLevels(topic.split('/'), filter.split('/')))
  const nearest = among[fitting.indexOf(Math.max(...fitting))]
  return { effect: 'refuse', rules: [], problem: noRuleProblem(action, topic, nearest) }
}
