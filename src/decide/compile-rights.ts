/** Compiles what one rights holder may do under one policy set. Default refuse; deny wins; order never matters. Pure. */
import { intersection, isCovered, matches, overlaps } from '../policy/filter-algebra.ts'
import { countExpansions, expandFilter } from '../policy/filter-template.ts'
import type { PolicySet, RightsHolder, Rule, RuleAction } from '../policy/model.ts'
import { quote } from '../policy/quote.ts'
import type { TopicFilter, TopicName } from '../policy/topic.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import type { Decision, PublishFacts, Qos, Rights } from './decision.ts'
import { deniedProblem, type Grant, noRuleProblem } from './reason.ts'

/** Most filters that one session may come to, once list variables are expanded. */
export const maxFiltersPerSession = 10_000

interface Compiled {
  readonly allow: readonly Grant[]
  readonly deny: readonly Grant[]
}

/** `$SYS` belongs to the broker. */
function isReserved(topic: string): boolean {
  return topic === '$SYS' || topic.startsWith('$SYS/')
}

function conditionMistake(rule: Rule, facts: PublishFacts): string | undefined {
  if (rule.retain !== undefined && rule.retain !== facts.retain)
    return `the rule is for ${rule.retain ? 'retained' : 'not retained'} messages only`
  if (rule.maxQos !== undefined && facts.qos > rule.maxQos) return `the rule allows QoS ${rule.maxQos} at most`
  if (rule.maxPayloadBytes !== undefined && facts.payloadBytes > rule.maxPayloadBytes)
    return `the rule allows ${rule.maxPayloadBytes} bytes at most, the payload has ${facts.payloadBytes}`
  return undefined
}

/** A deny with `retain:` applies to that kind of message only. */
function denyApplies({ rule }: Grant, facts: PublishFacts): boolean {
  return rule.retain === undefined || rule.retain === facts.retain
}

class CompiledRights implements Rights {
  readonly #by: Readonly<Record<RuleAction, Compiled>>
  /** Subscribe allows that are not for shared subscriptions only. */
  readonly #plain: readonly Grant[]

  /** Whether a filter that is too wide is narrowed, by delivery, rather than refused. */
  readonly #isNarrowing: boolean

  constructor(by: Readonly<Record<RuleAction, Compiled>>, isNarrowing: boolean) {
    this.#by = by
    this.#isNarrowing = isNarrowing
    this.#plain = by.subscribe.allow.filter(grant => grant.rule.share === undefined)
  }

  publish(topic: TopicName, facts: PublishFacts): Decision {
    if (isReserved(topic)) return refuseReserved(topic)
    const { allow, deny } = this.#by.publish
    const denied = deny.find(grant => denyApplies(grant, facts) && matches(grant.filter, topic))
    if (denied !== undefined) return refuse(denied, 'publish', topic)
    const fitting = allow.filter(grant => matches(grant.filter, topic))
    const granted = fitting.find(grant => conditionMistake(grant.rule, facts) === undefined)
    if (granted !== undefined) return { effect: 'permit', rules: [granted.rule] }
    const [near] = fitting
    const mistake = near === undefined ? undefined : conditionMistake(near.rule, facts)
    return {
      effect: 'refuse',
      rules: [],
      problem: noRuleProblem(
        'publish',
        topic,
        near === undefined || mistake === undefined ? { among: allow } : { near, mistake },
      ),
    }
  }

  subscribe(filter: TopicFilter, qos: Qos): Decision {
    const whole = this.#subscribeWhole(filter, qos)
    return this.#isNarrowing ? this.#narrow(filter, qos, whole) : whole
  }

  #subscribeWhole(filter: TopicFilter, qos: Qos): Decision {
    const denied = this.#by.subscribe.deny.find(grant => overlaps(grant.filter, filter))
    if (denied !== undefined) return refuse(denied, 'subscribe', filter)
    for (let level = qos; level >= 0; level -= 1) {
      const grants = this.#plain.filter(grant => (grant.rule.maxQos ?? 2) >= level)
      if (
        !isCovered(
          filter,
          grants.map(grant => grant.filter),
        )
      )
        continue
      const rules = [...new Set(grants.filter(grant => overlaps(grant.filter, filter)).map(grant => grant.rule))]
      return { effect: 'permit', rules, grantedQos: level as Qos }
    }
    return { effect: 'refuse', rules: [], problem: noRuleProblem('subscribe', filter, { among: this.#plain }) }
  }

  /** SEMANTICS 3.3: accepted where something of an allow is left when the denies are taken away, at the highest such QoS. */
  #narrow(filter: TopicFilter, qos: Qos, whole: Decision): Decision {
    const denies = [...this.#by.subscribe.deny, ...this.#by.receive.deny].map(grant => grant.filter)
    const leavesSome = ({ filter: allowed }: Grant): boolean => {
      const part = intersection(filter, allowed)
      return part !== undefined && !isCovered(part, denies)
    }
    for (let level = qos; level >= 0; level -= 1) {
      const grants = this.#plain.filter(grant => (grant.rule.maxQos ?? 2) >= level && leavesSome(grant))
      if (grants.length === 0) continue
      if (whole.effect === 'permit' && whole.grantedQos === level) return whole
      const rules = [...new Set(grants.map(grant => grant.rule))]
      return { effect: 'permit', rules, grantedQos: level as Qos, narrowed: true }
    }
    return whole.effect === 'refuse' ? whole : this.#nothingLeft(filter)
  }

  /** Allowed as a whole, but every topic of it is denied to be received. */
  #nothingLeft(filter: TopicFilter): Decision {
    const denied = this.#by.receive.deny.find(grant => overlaps(grant.filter, filter))
    return denied === undefined
      ? { effect: 'refuse', rules: [], problem: noRuleProblem('subscribe', filter, { among: this.#plain }) }
      : refuse(denied, 'subscribe', filter)
  }

  receive(topic: TopicName): Decision {
    const denied =
      this.#by.receive.deny.find(grant => matches(grant.filter, topic)) ??
      this.#by.subscribe.deny.find(grant => matches(grant.filter, topic))
    if (denied !== undefined) return refuse(denied, 'receive', topic)
    const granted = this.#plain.find(grant => matches(grant.filter, topic))
    if (granted !== undefined) return { effect: 'permit', rules: [granted.rule] }
    return { effect: 'refuse', rules: [], problem: noRuleProblem('receive', topic, { among: this.#plain }) }
  }
}

function refuse(grant: Grant, action: RuleAction, topic: string): Decision {
  return { effect: 'refuse', rules: [grant.rule], problem: deniedProblem(action, topic, grant) }
}

function refuseReserved(topic: string): Decision {
  return {
    effect: 'refuse',
    rules: [],
    problem: problem('decide/reserved-topic', `${quote(topic)} belongs to the broker: nobody publishes there`),
  }
}

/**
 * Compiles the rights of a session. Fails where its list variables come to more than `maxFiltersPerSession` filters.
 * @example const rights = compileRights(set, holder); if (rights.ok) rights.value.publish(topic, { qos: 0, retain: false, payloadBytes: 4 })
 */
export function compileRights(set: PolicySet, holder: RightsHolder): Result<Rights> {
  const by = {
    publish: { allow: [] as Grant[], deny: [] as Grant[] },
    subscribe: { allow: [] as Grant[], deny: [] as Grant[] },
    receive: { allow: [] as Grant[], deny: [] as Grant[] },
  }
  let total = 0
  for (const name of new Set(holder.roles)) {
    for (const rule of set.roles.get(name)?.rules ?? []) {
      for (const template of rule.filters) {
        total += countExpansions(template, holder.variables)
        if (total > maxFiltersPerSession) {
          return fail(
            problem(
              'decide/too-many-rules',
              `the list variables of this session come to more than ${maxFiltersPerSession} filters`,
              { where: template.where, help: 'shorten its lists, or use a wildcard' },
            ),
          )
        }
        for (const filter of expandFilter(template, holder.variables))
          by[rule.action][rule.effect].push({ filter, rule })
      }
    }
  }
  return ok(new CompiledRights(by, set.settings.onBroadSubscribe === 'narrow'))
}
