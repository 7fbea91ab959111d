/** The reason of a refusal: the deciding rule, or the nearest one and which level or condition of it failed. Pure. */
import type { Rule, RuleAction } from '../policy/model.ts'
import { quote } from '../policy/quote.ts'
import type { TopicFilter } from '../policy/topic.ts'
import { formatWhere, type Problem, problem } from '../problem.ts'

/** One filter of one rule, for one session. */
export interface Grant {
  readonly filter: TopicFilter
  readonly rule: Rule
}

/** Most rules that are looked through for the nearest: a flood of refusals must stay cheap. */
const maxConsidered = 1000

const verbs: Readonly<Record<RuleAction, string>> = {
  publish: 'publish',
  subscribe: 'subscribe to',
  receive: 'be sent',
}

/** A deny rule decided. */
export function deniedProblem(action: RuleAction, topic: string, { filter, rule }: Grant): Problem {
  return problem(
    'decide/denied',
    `may not ${verbs[action]} ${quote(topic)}: role ${rule.role} denies ${quote(filter)}`,
    {
      where: rule.where,
      help: 'deny wins over every allow; narrow the deny, or take another topic',
    },
  )
}

/** No allow rule fits: says which comes nearest, and what of it does not fit. */
export function noRuleProblem(
  action: RuleAction,
  topic: string,
  nearest: { readonly near: Grant; readonly mistake: string } | { readonly among: readonly Grant[] },
): Problem {
  const sentence = `no rule allows to ${verbs[action]} ${quote(topic)}`
  if ('near' in nearest)
    return problem('decide/no-rule', sentence, { where: nearest.near.rule.where, help: nearest.mistake })
  const best = nearestGrant(topic.split('/'), nearest.among)
  if (best === undefined)
    return problem('decide/no-rule', sentence, { help: `none of its roles has an allow rule for ${action}` })
  return problem('decide/no-rule', sentence, {
    where: best.grant.rule.where,
    help: `nearest is ${quote(best.grant.filter)} (${formatWhere(best.grant.rule.where)}): ${levelMistake(topic.split('/'), best.grant.filter.split('/'), best.fitting)}`,
  })
}

/** Leading levels of the topic (or requested filter) that the filter takes. */
function fittingLevels(levels: readonly string[], filter: readonly string[]): number {
  for (const [index, level] of filter.entries()) {
    if (level === '#') return levels.length
    const other = levels[index]
    if (other === undefined || other === '#') return index
    if (level !== other && (level !== '+' || other.startsWith('$'))) return index
  }
  return Math.min(filter.length, levels.length)
}

function nearestGrant(
  levels: readonly string[],
  among: readonly Grant[],
): { grant: Grant; fitting: number } | undefined {
  let best: { grant: Grant; fitting: number } | undefined
  for (const grant of among.slice(0, maxConsidered)) {
    const fitting = fittingLevels(levels, grant.filter.split('/'))
    if (best === undefined || fitting > best.fitting) best = { grant, fitting }
  }
  return best
}

function levelMistake(levels: readonly string[], filter: readonly string[], fitting: number): string {
  const asked = levels[fitting]
  const ruled = filter[fitting]
  if (asked === undefined) return `the rule goes on with ${quote(filter.slice(fitting).join('/'))}`
  if (ruled === undefined) return `the rule ends before level ${fitting + 1}, which is ${quote(asked)}`
  return `level ${fitting + 1} is ${quote(asked)}, the rule says ${quote(ruled)}`
}
