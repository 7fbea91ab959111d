/** The reason of a refusal: the deciding rule, or the nearest one and which level or condition of it failed. Pure. */
import type { Rule, RuleAction } from '../policy/model.ts'
import { quote } from '../policy/quote.ts'
import { formatWhere, type Problem, problem } from '../problem.ts'

/** A filter of a rule as it is for one session. */
export interface RuledFilter {
  readonly filter: string
  readonly rule: Rule
}

const verbs: Readonly<Record<RuleAction, string>> = {
  publish: 'publish',
  subscribe: 'subscribe to',
  receive: 'be sent',
}

/** `$SYS` belongs to the broker. */
export function isReserved(topic: string): boolean {
  return topic === '$SYS' || topic.startsWith('$SYS/')
}

export function reservedProblem(topic: string): Problem {
  return problem('decide/reserved-topic', `${quote(topic)} belongs to the broker: nobody publishes there`)
}

/** A deny rule decided. */
export function deniedProblem(action: RuleAction, topic: string, { filter, rule }: RuledFilter): Problem {
  return problem(
    'decide/denied',
    `may not ${verbs[action]} ${quote(topic)}: role ${rule.role} denies ${quote(filter)}`,
    {
      where: rule.where,
      help: 'deny wins over every allow; narrow the deny, or take another topic',
    },
  )
}

const noRule = (action: RuleAction, topic: string): string => `no rule allows to ${verbs[action]} ${quote(topic)}`

/** An allow rule fits the topic, but a condition of it fails. */
export function conditionProblem(action: RuleAction, topic: string, rule: Rule, mistake: string): Problem {
  return problem('decide/no-rule', noRule(action, topic), { where: rule.where, help: mistake })
}

/** No allow rule fits: says which comes nearest, and what of it does not fit. */
export function noRuleProblem(action: RuleAction, topic: string, nearest: RuledFilter | undefined): Problem {
  if (nearest === undefined)
    return problem('decide/no-rule', noRule(action, topic), {
      help: `none of its roles has an allow rule for ${action}`,
    })
  const { filter, rule } = nearest
  return problem('decide/no-rule', noRule(action, topic), {
    where: rule.where,
    help: `nearest is ${quote(filter)} (${formatWhere(rule.where)}): ${levelMistake(topic.split('/'), filter.split('/'))}`,
  })
}

/** Leading levels of a topic or requested filter that a filter takes. */
export function fittingLevels(levels: readonly string[], filter: readonly string[]): number {
  // [MQTT-4.7.2-1]
  if (levels[0]?.startsWith('$') && (filter[0] === '+' || filter[0] === '#')) return 0
  for (const [index, level] of filter.entries()) {
    if (level === '#') return levels.length
    const other = levels[index]
    if (other === undefined || other === '#') return index
    if (level !== other && level !== '+') return index
  }
  return Math.min(filter.length, levels.length)
}

/** Which level of a topic or requested filter a filter does not take. */
export function levelMistake(levels: readonly string[], filter: readonly string[]): string {
  const fitting = fittingLevels(levels, filter)
  const asked = levels[fitting]
  const ruled = filter[fitting]
  if (asked === undefined) return `the rule goes on with ${quote(filter.slice(fitting).join('/'))}`
  if (ruled === undefined) return `the rule ends before level ${fitting + 1}, which is ${quote(asked)}`
  return `level ${fitting + 1} is ${quote(asked)}, the rule says ${quote(ruled)}`
}
