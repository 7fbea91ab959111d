/** One person of a variant, with a variable for every capture that nothing fixes, and the filters of its roles. Pure. */
import { captureKind } from '../policy/capture-kind.ts'
import type { FilterTemplate } from '../policy/filter-template.ts'
import type { IdentityRule, PolicySet, Rule } from '../policy/model.ts'
import { admits, type SymbolicLevel, type Variable } from './variable.ts'
import type { Variant } from './variants.ts'

/** By issuer and capture, all that it may say (`only:` of the configuration). */
export type IssuerLimits = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>

export interface Person {
  readonly variant: Variant
  /** A text where it is fixed. */
  readonly captures: ReadonlyMap<string, Variable | string>
  /** Captures, attributes, `set:` and constants, each with its values. */
  readonly values: ReadonlyMap<string, readonly SymbolicLevel[]>
}

/** One filter of one rule, for one person. */
export interface SymbolicGrant {
  readonly rule: Rule
  readonly template: FilterTemplate
  readonly levels: readonly SymbolicLevel[]
}

/** Values that `except:` takes away from a capture which is all of its field in every alternative of `from:`. */
function excludedValues(rule: IdentityRule, name: string): ReadonlySet<string> {
  const excluded = rule.except.flatMap(conditions => {
    const [only, more] = conditions
    if (only === undefined || more !== undefined) return []
    const isWhole = rule.from.every(alternative =>
      alternative.some(
        ({ field, anyOf }) =>
          field === only.field &&
          anyOf.every(
            ({ parts: [part, other] }) => other === undefined && part?.type === 'variable' && part.name === name,
          ),
      ),
    )
    return isWhole ? only.anyOf.map(pattern => pattern.text) : []
  })
  return new Set(excluded)
}

function variableOf(set: PolicySet, rule: IdentityRule, name: string, limits: IssuerLimits): Variable {
  const issuer = rule.issuer ?? (limits.size === 1 ? [...limits.keys()][0] : undefined)
  const any: Variable = {
    name,
    kind: captureKind(rule, name),
    alphabet: set.settings.alphabet,
    excluded: excludedValues(rule, name),
    only: undefined,
  }
  const only = issuer === undefined ? undefined : limits.get(issuer)?.get(name)
  return { ...any, only: only?.filter(value => admits(any, value)) }
}

/** Captures of somebody of whom nothing is known but what is fixed: variables that are equal to none but themselves. */
export function capturesOf(
  set: PolicySet,
  { rule, fixed }: Variant,
  limits: IssuerLimits,
): ReadonlyMap<string, Variable | string> {
  return new Map(rule.captures.map(name => [name, fixed.get(name) ?? variableOf(set, rule, name, limits)] as const))
}

/** A person like no other, or the one with these captures. */
export function personOf(
  set: PolicySet,
  variant: Variant,
  limits: IssuerLimits,
  captures: ReadonlyMap<string, Variable | string> = capturesOf(set, variant, limits),
): Person {
  const values = new Map<string, readonly SymbolicLevel[]>()
  for (const [name, value] of set.constants) values.set(name, typeof value === 'string' ? [value] : value)
  for (const [name, value] of variant.rule.set) values.set(name, [value])
  for (const [name, value] of variant.attributes) values.set(name, value)
  for (const [name, value] of captures) values.set(name, [value])
  return { variant, captures, values }
}

/** Every filter that a template means for this person: one for each combination of its lists. */
export function filtersOf(template: FilterTemplate, { values }: Person): readonly (readonly SymbolicLevel[])[] {
  let choices: ReadonlyMap<string, SymbolicLevel>[] = [new Map()]
  const names = new Set(template.levels.flatMap(level => (level.kind === 'variable' ? [level.name] : [])))
  for (const name of names)
    choices = choices.flatMap(chosen => (values.get(name) ?? []).map(value => new Map(chosen).set(name, value)))
  return choices.map(chosen =>
    template.levels.map((level): SymbolicLevel => {
      if (level.kind === 'literal') return level.text
      if (level.kind === 'variable') return chosen.get(level.name) as SymbolicLevel
      return level.kind === 'plus' ? '+' : '#'
    }),
  )
}

/** What rules of these roles say for the person. */
export function grantsOf(
  set: PolicySet,
  person: Person,
  roles: Iterable<string>,
  isWanted: (rule: Rule) => boolean,
): readonly SymbolicGrant[] {
  return [...new Set(roles)].flatMap(name =>
    (set.roles.get(name)?.rules ?? [])
      .filter(isWanted)
      .flatMap(rule =>
        rule.filters.flatMap(template => filtersOf(template, person).map(levels => ({ rule, template, levels }))),
      ),
  )
}
