/** Coverage of a policy set by its tests: which rules determined a decision of a test, and which did not. Pure. */
import type { FilterTemplate } from '../policy/filter-template.ts'
import type { PolicySet } from '../policy/model.ts'
import { determiningGrants, heldGrants } from './determining.ts'
import type { Grant } from './grant.ts'
import { grantsOf } from './role-set.ts'
import type { TestOutcome } from './run-tests.ts'

export interface Coverage {
  /** Number of rules; one with a list of filters counts once for each. */
  readonly rules: number
  readonly exercised: number
  /** Rounded down: 100 only where every rule is exercised, or there is none. */
  readonly percent: number
  /** Rules that determined no decision, in the order of the set. */
  readonly uncovered: readonly Grant[]
}

/**
 * What these outcomes of the set's tests exercise of its rules.
 * @example coverageOf(set, runPolicyTests(set)).percent // 87
 */
export function coverageOf(set: PolicySet, outcomes: readonly TestOutcome[]): Coverage {
  const all = grantsOf(set, [...set.roles.keys()])
  const found = new Set(outcomes.flatMap(outcome => exercisedBy(set, outcome)))
  const uncovered = all.filter(({ template }) => !found.has(template))
  const exercised = all.length - uncovered.length
  const percent = all.length === 0 ? 100 : Math.floor((100 * exercised) / all.length)
  return { rules: all.length, exercised, percent, uncovered }
}

/** Filters of rules as the set has them. */
function exercisedBy(set: PolicySet, { holder, decided }: TestOutcome): readonly FilterTemplate[] {
  if (holder === undefined) return []
  const held = heldGrants(set, holder)
  return decided.flatMap(({ action, decision }) =>
    determiningGrants(held, action, decision).map(({ template }) => template),
  )
}
