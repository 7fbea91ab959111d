/** What is no mistake and probably not meant: warnings of `policy check`, each of which can be accepted with a reason. Pure. */
import type { Accepted, PolicySet, WarningName } from '../../policy/model.ts'
import { formatWhere, type Problem, type ProblemCode, problem, type Where } from '../../problem.ts'
import { type World, worldOf } from '../reach.ts'
import { placeOf, StepBudget, TooComplex } from '../too-complex.ts'
import { overlappingIdentities } from './overlapping-identities.ts'
import { roleWarnings } from './role-warnings.ts'
import { ruleWarnings } from './rule-warnings.ts'

export interface Warning {
  readonly name: WarningName
  readonly sentence: string
  readonly help: string
  readonly where: Where
  /** Of what it is about. */
  readonly accept: Accepted | undefined
}

export interface Linted {
  /** Not accepted. */
  readonly warnings: readonly Problem[]
  /** Accepted, with the reason. */
  readonly accepted: readonly string[]
}

/** To add a warning: a name in `policy/model.ts`, a code, and a function here. */
const checks: readonly ((world: World) => readonly Warning[])[] = [ruleWarnings, roleWarnings, overlappingIdentities]

/** @example lintPolicy(set).warnings.length === 0 */
export function lintPolicy(set: PolicySet, steps = 10_000_000): Linted {
  const world = worldOf(set, new StepBudget(steps))
  try {
    const found = checks.flatMap(check => check(world))
    const isAccepted = ({ name, accept }: Warning): boolean => accept?.has(name) === true
    return {
      warnings: [...found.filter(one => !isAccepted(one)).map(told), ...needless(set, found)],
      accepted: found
        .filter(isAccepted)
        .map(({ name, where, accept }) => `${name} at ${formatWhere(where)} is accepted: ${accept?.get(name)}`),
    }
  } catch (error) {
    if (!(error instanceof TooComplex)) throw error
    return {
      warnings: [
        problem('policy/too-complex', `the set was not looked through for warnings: ${error.message}`, {
          ...placeOf(error),
          help: 'this rule meets too many others: fewer wildcards, or fewer rules in a role',
        }),
      ],
      accepted: [],
    }
  }
}

const codes: Readonly<Record<WarningName, ProblemCode>> = {
  'broad-filter': 'policy/broad-filter',
  'dead-rule': 'policy/dead-rule',
  'idle-deny': 'policy/idle-deny',
  'overlapping-identities': 'policy/overlapping-identities',
  'shared-right': 'policy/shared-right',
  'unheld-role': 'policy/unheld-role',
}

function told({ name, sentence, help, where }: Warning): Problem {
  return problem(codes[name], sentence, { where, help: `${help}, or \`accept: { ${name}: a reason }\`` })
}

/** An acceptance that outlives its warning would hide the next one. */
function needless(set: PolicySet, found: readonly Warning[]): readonly Problem[] {
  const carriers = [
    ...set.identities.values(),
    ...set.roles.values(),
    ...[...set.roles.values()].flatMap(role => role.rules),
  ]
  return carriers.flatMap(({ accept, where }) =>
    [...(accept?.keys() ?? [])]
      .filter(name => !found.some(one => one.name === name && one.accept === accept))
      .map(name =>
        problem('policy/needless-accept', `there is no ${name} here to accept`, {
          where,
          help: 'take it out of `accept:`',
        }),
      ),
  )
}
