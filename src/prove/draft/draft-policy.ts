/**
 * Draft policy: rules and tests for the identities of a set from what they were seen to do. What is drafted is loaded and asked
 * before anybody gets it: all that it says it permits is permitted, and its tests pass. Pure.
 */
import { type AskedAction, ask } from '../../decide/ask.ts'
import { runPolicyTests } from '../../decide/run-tests.ts'
import { loadPolicySet } from '../../policy/load.ts'
import type { MappedIdentity, PolicySet } from '../../policy/model.ts'
import type { PolicyFile } from '../../policy/policy-files.ts'
import { fail, ok, type Problem, problem, type Result } from '../../problem.ts'
import { draftRules, type LeftOut } from './draft-rules.ts'
import { type DraftTest, draftedRole, rolesText, testsText } from './draft-text.ts'
import type { Shape, Traffic } from './traffic.ts'

export interface Draft {
  /** `drafted.yaml` */
  readonly roles: string
  /** `drafted.test.yaml` */
  readonly tests: string
  readonly rules: readonly Shape[]
  readonly leftOut: readonly LeftOut[]
  /** Identities that get a role, to be written under their `roles:`. */
  readonly kinds: readonly string[]
  /** Identities of the log that the set does not have. */
  readonly unknownKinds: readonly string[]
  /** Seen and drafted, and refused all the same: of somebody whom the set does not let in. */
  readonly unconfirmed: readonly Shape[]
}

export const draftFiles = { roles: 'drafted.yaml', tests: 'drafted.test.yaml' } as const

/** `files`: those of a set that has the identities. */
export function draftPolicy(files: readonly PolicyFile[], traffic: Traffic): Result<Draft> {
  const base = loadPolicySet(files).set
  if (base === undefined)
    return fail(undraftable('the policy folder does not load', 'see what is wrong: portcullis policy check'))
  const { rules, kept, leftOut } = draftRules(traffic, base)
  if (rules.length === 0)
    return fail(
      undraftable(
        'nothing in the log can be drafted',
        'record with `portcullis serve --report-only` and `log: { permits: all }`',
      ),
    )
  const roles = rolesText(rules)
  const withRoles = [...files, { name: draftFiles.roles, text: roles }]
  const set = loadDrafted(withRoles, rules)
  if (!set.ok) return set
  const unconfirmed = kept.filter(shape => !isPermitted(set.value, shape))
  const tests = testsText(
    rules.filter(rule => !unconfirmed.includes(rule)).map(rule => testOf(set.value, rule, traffic)),
  )
  const tested = loadDrafted([...withRoles, { name: draftFiles.tests, text: tests }], rules)
  if (!tested.ok) return tested
  const failure = runPolicyTests(tested.value)
    .filter(({ test }) => test.where.file.endsWith(draftFiles.tests))
    .flatMap(({ failures }) => failures)[0]
  if (failure !== undefined) return fail(failure)
  return ok({
    ...{ roles, tests, rules, leftOut, unconfirmed },
    kinds: [...new Set(rules.map(({ kind }) => kind))],
    unknownKinds: [...new Set(traffic.shapes.map(({ kind }) => kind))].filter(kind => !base.identities.has(kind)),
  })
}

/** The set as it is once each drafted role is written under its identity, in the place of what stands there. */
function loadDrafted(files: readonly PolicyFile[], rules: readonly Shape[]): Result<PolicySet> {
  const { set, problems } = loadPolicySet(files)
  const [first] = problems
  if (set === undefined || first !== undefined)
    return fail(
      first ?? undraftable('the draft does not load', 'write the rules by hand: this is a mistake of the command'),
    )
  const drafted = new Set(rules.map(({ kind }) => kind))
  const identities = [...set.identities].map(
    ([name, rule]) => [name, drafted.has(name) ? { ...rule, roles: [draftedRole(name)] } : rule] as const,
  )
  return ok({ ...set, identities: new Map(identities) })
}

function identityOf({ kind, sample }: Shape): MappedIdentity {
  return { kind, captures: sample.captures }
}

function actionOf({ action, sample }: Shape, topic: string): AskedAction {
  const { qos = 0, retain = false, payloadBytes = 0 } = sample.action
  return { verb: action, topic, qos: qos as AskedAction['qos'], retain, payloadBytes }
}

function isPermitted(set: PolicySet, shape: Shape, topic: string = shape.sample.action.topic): boolean {
  return ask(set, identityOf(shape), actionOf(shape, topic)).effect === 'permit'
}

function testOf(set: PolicySet, rule: Shape, traffic: Traffic): DraftTest {
  const topic = rule.sample.action.topic.split('/')
  const other = traffic.somebodyElse(rule)
  const forbidden = rule.levels
    .map((level, at) => (level.kind === 'variable' ? (other?.captures.get(level.name) ?? 'somebody-else') : topic[at]))
    .join('/')
  const isOwn = forbidden === rule.sample.action.topic
  return { rule, forbidden: isOwn || isPermitted(set, rule, forbidden) ? undefined : forbidden }
}

function undraftable(sentence: string, help: string): Problem {
  return problem('tool/nothing-to-draft', sentence, { help })
}
