/** What a change of a policy set lets anybody do, or no longer do: by meaning, not by text (docs/decisions/0008). Pure. */
import type { PolicySet } from '../../policy/model.ts'
import { fail, ok, problem, type Result } from '../../problem.ts'
import { namedLevels } from '../assign.ts'
import { placeOf, StepBudget, TooComplex } from '../too-complex.ts'
import { type DefinitionChange, definitionChanges, settingChanges } from './definitions.ts'
import { type Gain, gainsOf } from './gains.ts'
import { pairIdentities, type Side, type Subject, subjectsOf } from './subjects.ts'

/** One right, and all who gain or lose it. */
export interface RightChange extends Gain {
  readonly identity: string
  /** Members by the captures that tables name them by; empty: everybody of the identity, or who is given the role. */
  readonly members: readonly ReadonlyMap<string, string>[]
  /** Only who is given this role. */
  readonly given: string | undefined
}

export interface PolicyDiff {
  readonly gains: readonly RightChange[]
  readonly losses: readonly RightChange[]
  readonly definitions: readonly DefinitionChange[]
}

/**
 * Compares two sets. Moved, renamed, split or reordered rules are no change. A comparison of more steps (50,000,000: about a minute)
 * is given up with `policy/too-complex`, which is never "no change".
 * @example const diff = diffPolicies(before, after); if (diff.ok) diff.value.gains.length === 0
 */
export function diffPolicies(before: PolicySet, after: PolicySet, steps = 50_000_000): Result<PolicyDiff> {
  const named = new Set([...namedLevels(before), ...namedLevels(after)])
  const budget = new StepBudget(steps)
  const pairs = pairIdentities(before, after)
  try {
    const subjects = pairs.map(pair => subjectsOf([before, after], pair))
    const changes = (direction: 'gain' | 'loss') => subjects.flatMap(some => changesOf(some, direction, named, budget))
    return ok({
      gains: changes('gain'),
      losses: changes('loss'),
      definitions: [...settingChanges(before, after), ...pairs.flatMap(definitionChanges)],
    })
  } catch (error) {
    if (!(error instanceof TooComplex)) throw error
    const sentence = `the two sets cannot be compared: ${error.message}`
    return fail(
      problem('policy/too-complex', sentence, { ...placeOf(error), help: 'compare smaller steps, or split the set' }),
    )
  }
}

function changesOf(
  subjects: readonly Subject[],
  direction: 'gain' | 'loss',
  named: ReadonlySet<string>,
  budget: StepBudget,
): readonly RightChange[] {
  const found = new Map<string, RightChange & { members: ReadonlyMap<string, string>[] }>()
  const keyOf = ({ action, filter, condition }: Gain): string => JSON.stringify([action, filter, condition])
  const forAll = new Set<string>()
  const forMembers = new Set<string>()
  for (const { identity, who, before, after } of subjects) {
    const [then, now] = direction === 'gain' ? [before, after] : [after, before]
    if (now === undefined) continue
    if (who.kind === 'given' && isNothingNew(subjects, who.role, direction, named, budget)) continue
    for (const gain of gainsOf(then, now, named, budget)) {
      const key = keyOf(gain)
      if (who.kind === 'all') forAll.add(key)
      else if (forAll.has(key) || (who.kind === 'given' && forMembers.has(gain.rule.role))) continue
      if (who.kind === 'member') forMembers.add(gain.rule.role)
      const full = `${who.kind === 'given' ? who.role : who.kind} ${key}`
      const known = found.get(full) ?? {
        ...gain,
        identity,
        members: [],
        given: who.kind === 'given' ? who.role : undefined,
      }
      if (who.kind === 'member') known.members.push(who.captures)
      found.set(full, known)
    }
  }
  return [...found.values()]
}

/** A role that only one set knows may be another one's new name: nothing is new where some role of the other gave it all. */
function isNothingNew(
  subjects: readonly Subject[],
  role: string,
  direction: 'gain' | 'loss',
  named: ReadonlySet<string>,
  budget: StepBudget,
): boolean {
  const given = subjects.filter(({ who }) => who.kind === 'given')
  const mine = given.find(({ who }) => who.kind === 'given' && who.role === role)
  const now = direction === 'gain' ? mine?.after : mine?.before
  // its own name first: most roles are as they were
  const others = [mine, ...given].flatMap((subject): readonly Side[] => {
    const side = direction === 'gain' ? subject?.before : subject?.after
    return side === undefined ? [] : [side]
  })
  return now !== undefined && others.some(then => gainsOf(then, now, named, budget).next().done === true)
}
