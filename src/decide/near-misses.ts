/** Near misses: the allow rules that come nearest to what was refused, each with the level or condition that fails. Pure. */
import { type FilterTemplate, levelText } from '../policy/filter-template.ts'
import type { PolicySet, RightsHolder, Rule } from '../policy/model.ts'
import type { AskedAction } from './ask.ts'
import { conditionMistake } from './outcome.ts'
import { fittingLevels, levelMistake } from './reason.ts'

export interface NearMiss {
  readonly rule: Rule
  /** The filter of the rule as it is for this identity; a variable without a value stays `${name}`. */
  readonly filter: string
  /** Whether the identity has the role; else a row of `members` may add it. */
  readonly isHeld: boolean
  /** What of it does not fit, in words. */
  readonly failed: string
  readonly template: FilterTemplate
  /** Leading levels that fit. */
  readonly fitting: number
  /** Every level fits: only a condition, or the role, is amiss. */
  readonly isWhole: boolean
}

type Values = RightsHolder['variables']

/** Allow rules that do not allow this, nearest first: of its own roles, then of those that `mayAlsoHave` names; one filter a rule. */
export function nearMisses(set: PolicySet, holder: RightsHolder, action: AskedAction): readonly NearMiss[] {
  const wanted = action.verb === 'publish' || action.verb === 'will' ? 'publish' : 'subscribe'
  const held = new Set(holder.roles)
  const others = (set.identities.get(holder.identity.kind)?.mayAlsoHave ?? []).filter(name => !held.has(name))
  const misses = [...held, ...others].flatMap(name =>
    (set.roles.get(name)?.rules ?? [])
      .filter(rule => rule.effect === 'allow' && rule.action === wanted && rule.share === undefined)
      .flatMap(rule => missOf(rule, holder.variables, { action, isHeld: held.has(name) }) ?? []),
  )
  return misses.sort((a, b) => Number(b.isHeld) - Number(a.isHeld) || nearness(b) - nearness(a))
}

function nearness({ isWhole, fitting }: NearMiss): number {
  return isWhole ? Number.POSITIVE_INFINITY : fitting
}

type Asked = { readonly action: AskedAction; readonly isHeld: boolean }

/** Of the filters of a rule the one that takes most; undefined where the rule allows it as it stands. */
function missOf(rule: Rule, values: Values, asked: Asked): NearMiss | undefined {
  const misses = rule.filters.map(template => missOfFilter(rule, template, values, asked))
  return misses.includes(undefined)
    ? undefined
    : misses.reduce((best, miss) => (best && miss && nearness(miss) > nearness(best) ? miss : best))
}

function missOfFilter(rule: Rule, template: FilterTemplate, values: Values, asked: Asked): NearMiss | undefined {
  const levels = asked.action.topic.split('/')
  const filter = likeliest(template, values, levels)
  const fitting = fittingLevels(levels, filter)
  const isWhole = takesAll(levels, filter)
  const mistakes = [
    asked.isHeld ? undefined : `the role \`${rule.role}\` is not held`,
    isWhole ? undefined : levelMistake(levels, filter),
    rule.action === 'publish' ? conditionMistake(rule, asked.action) : undefined,
  ].filter(mistake => mistake !== undefined)
  if (mistakes.length === 0) return undefined
  const { isHeld } = asked
  return { rule, filter: filter.join('/'), isHeld, failed: mistakes.join('; '), template, fitting, isWhole }
}

/** Of all that a template comes to, the filter whose values are those of the topic, as far as they are its values at all. */
function likeliest({ levels }: FilterTemplate, values: Values, topic: readonly string[]): readonly string[] {
  const chosen = new Map<string, string>()
  return levels.map((level, index) => {
    if (level.kind !== 'variable') return levelText(level)
    const own = values.get(level.name) ?? []
    const asked = topic[index]
    const value =
      chosen.get(level.name) ?? (asked !== undefined && own.includes(asked) ? asked : (own[0] ?? `\${${level.name}}`))
    chosen.set(level.name, value)
    return value
  })
}

function takesAll(levels: readonly string[], filter: readonly string[]): boolean {
  if (fittingLevels(levels, filter) < levels.length) return false
  return filter.length === levels.length || filter[Math.min(filter.length - 1, levels.length)] === '#'
}
