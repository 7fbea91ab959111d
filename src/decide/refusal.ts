/**
 * Refusal of a topic or filter. Its reason is worked out when somebody asks for it: most refusals of a flood are only counted.
 * Pure.
 */
import { matches, overlaps } from '../policy/filter-algebra.ts'
import type { Rule, RuleAction } from '../policy/model.ts'
import type { TopicFilter, TopicName } from '../policy/topic.ts'
import type { Problem } from '../problem.ts'
import type { PublishFacts, Refuse } from './decision.ts'
import type { FilterTrie } from './filter-trie.ts'
import { deniesOf, type Grant } from './grant.ts'
import { filtersOf, type Holding } from './holding.ts'
import { conditionMistake, isDenied } from './outcome.ts'
import {
  conditionProblem,
  deniedProblem,
  fittingLevels,
  isReserved,
  noRuleProblem,
  type RuledFilter,
  reservedProblem,
} from './reason.ts'
import { meetings } from './trie-meet.ts'
import { matchingGrants, nearestAllow } from './trie-walk.ts'

interface Reason {
  readonly rules: readonly Rule[]
  readonly problem: Problem
}

/** What works a reason out. */
type Explain = (holding: Holding, topic: string, facts: PublishFacts | undefined) => Reason

export class Refusal implements Refuse {
  readonly effect = 'refuse'
  readonly #explain: Explain
  readonly #holding: Holding
  readonly #topic: string
  readonly #facts: PublishFacts | undefined
  #reason: Reason | undefined

  constructor(explain: Explain, holding: Holding, topic: string, facts?: PublishFacts) {
    this.#explain = explain
    this.#holding = holding
    this.#topic = topic
    this.#facts = facts
  }

  get rules(): readonly Rule[] {
    return this.#told.rules
  }

  get problem(): Problem {
    return this.#told.problem
  }

  get #told(): Reason {
    this.#reason ??= this.#explain(this.#holding, this.#topic, this.#facts)
    return this.#reason
  }
}

/** Why a topic may not be published. */
export const whyNotPublish: Explain = (holding, topic, facts) => {
  if (isReserved(topic)) return { rules: [], problem: reservedProblem(topic) }
  const { publish } = holding.roleSet
  const fitting = fittingGrants(publish, topic, holding)
  const denied = fitting.find(({ rule }) => facts !== undefined && isDenied(deniesOf(rule), facts))
  if (denied !== undefined) return deniedBy(holding, denied, 'publish', topic)
  const [near] = fitting.filter(({ rule }) => rule.effect === 'allow')
  const mistake = near === undefined || facts === undefined ? undefined : conditionMistake(near.rule, facts)
  if (near === undefined || mistake === undefined) return nothingAllows(holding, publish, 'publish', topic)
  return { rules: [], problem: conditionProblem('publish', topic, near.rule, mistake) }
}

/** Why a message may not be sent to the session. */
export const whyNotReceive: Explain = (holding, topic) => {
  const { receive } = holding.roleSet
  const denied = fittingGrants(receive, topic, holding).find(({ rule }) => rule.effect === 'deny')
  return denied === undefined
    ? nothingAllows(holding, receive, 'receive', topic)
    : deniedBy(holding, denied, 'receive', topic)
}

/** Why a filter may not be subscribed to. */
export const whyNotSubscribe: Explain = (holding, filter) => {
  const { receive, subscribeDenies } = holding.roleSet
  const denied = firstMeeting(holding, subscribeDenies, filter)
  return denied === undefined
    ? nothingAllows(holding, receive, 'subscribe', filter)
    : deniedBy(holding, denied, 'subscribe', filter)
}

/** Why a filter that is allowed as a whole is not: every topic of it is denied to be received. */
export const whyNothingLeft: Explain = (holding, filter) => {
  const { receive } = holding.roleSet
  const denied = firstMeeting(holding, receive, filter)
  return denied === undefined
    ? nothingAllows(holding, receive, 'subscribe', filter)
    : deniedBy(holding, denied, 'subscribe', filter)
}

/** Grants that match, in order. */
function fittingGrants(trie: FilterTrie, topic: string, { values }: Holding): readonly Grant[] {
  const numbers = [...matchingGrants(trie, topic.split('/'), values)].sort((a, b) => a - b)
  return numbers.map(number => trie.grants[number] as Grant)
}

/** The first deny that has a topic in common with a filter. */
function firstMeeting({ values }: Holding, trie: FilterTrie, filter: string): Grant | undefined {
  const met = meetings(trie, filter.split('/'), values, trie.grants.length).map(({ grant }) => grant)
  const first = met.filter(grant => grant >= trie.allows).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  return trie.grants[first]
}

function deniedBy(holding: Holding, grant: Grant, action: RuleAction, topic: string): Reason {
  const isHit = (filter: TopicFilter): boolean =>
    action === 'subscribe' ? overlaps(filter, topic as TopicFilter) : matches(filter, topic as TopicName)
  const filter: string = filtersOf(holding, grant).find(isHit) ?? grant.template.text
  return { rules: [grant.rule], problem: deniedProblem(action, topic, { filter, rule: grant.rule }) }
}

function nothingAllows(holding: Holding, trie: FilterTrie, action: RuleAction, topic: string): Reason {
  const number = nearestAllow(trie, topic.split('/'), holding.values)
  const nearest = number === undefined ? undefined : closest(holding, trie.grants[number] as Grant, topic)
  return { rules: [], problem: noRuleProblem(action, topic, nearest) }
}

/** Of the filters that a grant comes to, the one that takes most of the topic. */
function closest(holding: Holding, grant: Grant, topic: string): RuledFilter | undefined {
  const levels = topic.split('/')
  let best: { filter: TopicFilter; fitting: number } | undefined
  for (const filter of filtersOf(holding, grant)) {
    const fitting = fittingLevels(levels, filter.split('/'))
    if (best === undefined || fitting > best.fitting) best = { filter, fitting }
  }
  return best && { filter: best.filter, rule: grant.rule }
}
