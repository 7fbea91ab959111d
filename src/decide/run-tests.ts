/** Runs the tests of a policy set through the same path as a real CONNECT and its actions. Pure. */
import { bindClientId } from '../bind/client-id.ts'
import { matchIdentity } from '../policy/match-identity.ts'
import type { MappedIdentity, PolicySet, PolicyTest, RightsHolder, TestAction } from '../policy/model.ts'
import { rightsHolderOf } from '../policy/rights-holder.ts'
import { formatWhere, ok, type Problem, problem, type Result, type Where } from '../problem.ts'
import { compileRights } from './compile-rights.ts'
import { decideAction } from './decide-action.ts'
import type { Decision, Rights } from './decision.ts'
import { determiningGrants, type HeldGrant, heldGrants, placeOf } from './determining.ts'

/** An action of a test, and what the rights say to it. */
interface DecidedAction {
  readonly action: TestAction
  readonly decision: Decision
}

export interface TestOutcome {
  readonly test: PolicyTest
  readonly ok: boolean
  readonly failures: readonly Problem[]
  /** Who acted; undefined where connecting was refused, or nothing else was asked. */
  readonly holder: RightsHolder | undefined
  /** Every action that was decided, as expected or not. */
  readonly decided: readonly DecidedAction[]
}

/** Runs every test. @example runPolicyTests(set).every(outcome => outcome.ok) */
export function runPolicyTests(set: PolicySet): readonly TestOutcome[] {
  return set.tests.map(test => {
    const outcome = runTest(set, test)
    return { test, ok: outcome.failures.length === 0, ...outcome }
  })
}

function identityOf(set: PolicySet, { as }: PolicyTest): Result<MappedIdentity> {
  if (as.kind === 'fields') return matchIdentity(set, as.table)
  return ok({ kind: as.identity, captures: as.captures })
}

interface Connected {
  readonly holder: RightsHolder
  readonly rights: Rights
}

function connect(set: PolicySet, test: PolicyTest): Result<Connected> {
  const identity = identityOf(set, test)
  if (!identity.ok) return identity
  const holder = rightsHolderOf(set, identity.value)
  if (!holder.ok) return holder
  if (test.clientId !== undefined) {
    const clientId = bindClientId(set, identity.value, test.clientId)
    if (!clientId.ok) return clientId
  }
  const rights = compileRights(set, holder.value)
  return rights.ok ? ok({ holder: holder.value, rights: rights.value }) : rights
}

type Ran = Pick<TestOutcome, 'failures' | 'holder' | 'decided'>

function runTest(set: PolicySet, test: PolicyTest): Ran {
  const connected = connect(set, test)
  if (test.refused === undefined && connected.ok) return runActions(set, test, connected.value)
  const failure = connectingFailure(test, connected)
  return { failures: failure === undefined ? [] : [failure], holder: undefined, decided: [] }
}

function failed(test: PolicyTest, sentence: string, where: Where, help?: string): Problem {
  return problem('policy/test-failed', `test "${test.name}": ${sentence}`, { where, help })
}

/** What is wrong with how connecting ended; undefined where it was refused as the test says. */
function connectingFailure(test: PolicyTest, connected: Result<Connected>): Problem | undefined {
  const { refused, where } = test
  if (connected.ok)
    return failed(test, `connecting must be refused with ${refused?.code}, and is permitted`, refused?.where ?? where)
  const { code, sentence, help } = connected.problem
  if (refused === undefined) return failed(test, `connecting is refused with ${code}: ${sentence}`, where, help)
  if (code === refused.code) return undefined
  return failed(test, `connecting must be refused with ${refused.code}, and is with ${code}`, refused.where, sentence)
}

function runActions(set: PolicySet, test: PolicyTest, { holder, rights }: Connected): Ran {
  const decide = (action: TestAction): DecidedAction => ({ action, decision: decideAction(rights, action) })
  const can = test.can.map(decide)
  const cannot = test.cannot.map(decide)
  const wrong = (one: DecidedAction, mustPermit: boolean): readonly Problem[] => {
    const isPermitted = isPermit(one)
    if (isPermitted === mustPermit) return []
    const { verb, topic, where } = one.action
    const sentence = `${mustPermit ? 'must' : 'must not'} be able to ${verb} ${topic}, and ${isPermitted ? 'can' : 'cannot'}`
    return [failed(test, sentence, where, because(one, heldGrants(set, holder)))]
  }
  const failures = [...can.flatMap(one => wrong(one, true)), ...cannot.flatMap(one => wrong(one, false))]
  return { failures, holder, decided: [...can, ...cannot] }
}

/** Whether the action is permitted as asked: a grant at a lower QoS is not what the test asks for. */
function isPermit({ action, decision }: DecidedAction): boolean {
  return decision.effect === 'permit' && (decision.grantedQos === undefined || decision.grantedQos >= action.qos)
}

/** The determining rules of the decision with their places, or the nearest one and what of it failed. */
function because({ action, decision }: DecidedAction, held: readonly HeldGrant[]): string {
  const grants = determiningGrants(held, action, decision)
  if (decision.effect === 'permit') {
    const qos = isPermit({ action, decision }) ? '' : ` at QoS ${decision.grantedQos} at most`
    return grants.map(grant => `role ${grant.rule.role} allows it${qos} (${formatWhere(placeOf(grant))})`).join('; ')
  }
  const { sentence, where, help = '' } = decision.problem
  const places = grants.length > 0 ? grants.map(placeOf) : where === undefined ? [] : [where]
  // the nearest rule is told with its place
  const untold = places.map(formatWhere).filter(place => !help.includes(`(${place})`))
  return `${sentence}${untold.length === 0 ? '' : ` (${untold.join(', ')})`}${help === '' ? '' : `; ${help}`}`
}
