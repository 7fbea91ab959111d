/** Grant: one filter of one rule of a role set. Variables stay open, constants are put in. Pure. */
import { expandFilter, type FilterTemplate, type Level, variablesOf } from '../policy/filter-template.ts'
import type { Rule } from '../policy/model.ts'
import { denyAll, denyPlain, denyRetained } from './outcome.ts'

export interface Grant {
  readonly template: FilterTemplate
  readonly rule: Rule
}

/** Kinds of message that a deny takes; 0 for an allow. */
export function deniesOf({ effect, retain }: Rule): number {
  if (effect === 'allow') return 0
  return retain === undefined ? denyAll : retain ? denyRetained : denyPlain
}

type Values = ReadonlyMap<string, readonly string[]>

/** The grant with these variables put in, one for each combination of their values; others stay open. */
export function fillIn({ template, rule }: Grant, values: Values): readonly Grant[] {
  const names = variablesOf(template).filter(name => values.has(name))
  if (names.length === 0) return [{ template, rule }]
  // a level per variable: expanded as a filter of its own, so that there is one rule of what a value may be
  const choices = expandFilter({ ...template, levels: names.map(name => ({ kind: 'variable', name })) }, values)
  return choices.map(choice => {
    const chosen = choice.split('/')
    const levels = template.levels.map((level): Level => {
      const text = level.kind === 'variable' ? chosen[names.indexOf(level.name)] : undefined
      return text === undefined ? level : { kind: 'literal', text }
    })
    return { template: { ...template, levels }, rule }
  })
}
