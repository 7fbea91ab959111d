/** Runs the tests of a policy set through the same path as a real CONNECT and its actions. Pure. */
import { bindClientId } from '../bind/client-id.ts'
import { matchIdentity } from '../policy/match-identity.ts'
import type { MappedIdentity, PolicySet, PolicyTest, TestAction } from '../policy/model.ts'
import { rightsHolderOf } from '../policy/rights-holder.ts'
import { parseTopicFilter, parseTopicName } from '../policy/topic.ts'
import { fail, formatWhere, ok, type Problem, problem, type Result } from '../problem.ts'
import { compileRights } from './compile-rights.ts'
import type { Decision, Rights } from './decision.ts'

export interface TestOutcome {
  readonly test: PolicyTest
  readonly ok: boolean
  readonly failures: readonly Problem[]
}

/** Runs every test. @example runPolicyTests(set).every(outcome => outcome.ok) */
export function runPolicyTests(set: PolicySet): readonly TestOutcome[] {
  return set.tests.map(test => {
    const failures = runTest(set, test)
    return { test, ok: failures.length === 0, failures }
  })
}

function identityOf(set: PolicySet, { as }: PolicyTest): Result<MappedIdentity> {
  if (as.kind === 'fields') return matchIdentity(set, as.table)
  return ok({ kind: as.identity, captures: as.captures })
}

function connect(set: PolicySet, test: PolicyTest): Result<Rights> {
  const identity = identityOf(set, test)
  if (!identity.ok) return identity
  const holder = rightsHolderOf(set, identity.value)
  if (!holder.ok) return holder
  if (test.clientId !== undefined) {
    const clientId = bindClientId(set, identity.value, test.clientId)
    if (!clientId.ok) return clientId
  }
  return compileRights(set, holder.value)
}

/** What the rights say to one action of a test; a name or filter that is not valid is refused like everything else. */
export function decideAction(rights: Rights, action: TestAction): Decision {
  const { verb, topic, qos, retain, payloadBytes } = action
  const decided: Result<Decision> =
    verb === 'subscribe'
      ? map(parseTopicFilter(topic), filter => rights.subscribe(filter, qos))
      : map(parseTopicName(topic), name =>
          verb === 'receive' ? rights.receive(name) : rights.publish(name, { qos, retain, payloadBytes }),
        )
  return decided.ok ? decided.value : { effect: 'refuse', problem: decided.problem, rules: [] }
}

function map<T, U>(result: Result<T>, change: (value: T) => U): Result<U> {
  return result.ok ? ok(change(result.value)) : fail(result.problem)
}

function runTest(set: PolicySet, test: PolicyTest): readonly Problem[] {
  const connected = connect(set, test)
  const failed = (sentence: string, where = test.where, help?: string): Problem =>
    problem('policy/test-failed', `test "${test.name}": ${sentence}`, { where, help })
  if (test.refused !== undefined) {
    if (connected.ok) return [failed(`connecting must be refused with ${test.refused}, and is permitted`)]
    if (connected.problem.code === test.refused) return []
    return [
      failed(
        `connecting must be refused with ${test.refused}, and is with ${connected.problem.code}`,
        test.where,
        connected.problem.sentence,
      ),
    ]
  }
  if (!connected.ok)
    return [
      failed(
        `connecting is refused with ${connected.problem.code}: ${connected.problem.sentence}`,
        test.where,
        connected.problem.help,
      ),
    ]
  const rights = connected.value
  const wrong = (action: TestAction, mustPermit: boolean): readonly Problem[] => {
    const decision = decideAction(rights, action)
    // a grant at a lower QoS is not what the test asks for
    const isPermitted =
      decision.effect === 'permit' && (decision.grantedQos === undefined || decision.grantedQos >= action.qos)
    if (isPermitted === mustPermit) return []
    const sentence = `${mustPermit ? 'must' : 'must not'} be able to ${action.verb} ${action.topic}, and ${isPermitted ? 'can' : 'cannot'}`
    return [failed(sentence, action.where, because(decision))]
  }
  return [...test.can.flatMap(action => wrong(action, true)), ...test.cannot.flatMap(action => wrong(action, false))]
}

function because(decision: Decision): string {
  if (decision.effect === 'permit') {
    const [rule] = decision.rules
    const qos = decision.grantedQos === undefined ? '' : ` at QoS ${decision.grantedQos} at most`
    return rule === undefined ? 'permitted' : `role ${rule.role} allows it${qos} (${formatWhere(rule.where)})`
  }
  const { sentence, where, help } = decision.problem
  return `${sentence}${where === undefined ? '' : ` (${formatWhere(where)})`}${help === undefined ? '' : `; ${help}`}`
}
