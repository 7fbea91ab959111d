/**
 * `portcullis/policy`: policies without a broker, for an editor in a browser, a CI tool or a review bot. Texts in, answers out:
 * no Node.js module, no file and no clock is behind it.
 * @example
 * const { set, problems } = loadPolicySet([{ name: 'plant.yaml', text }])
 * if (set === undefined) for (const one of problems) console.error(formatProblem(one))
 * else console.log(proveClaims(set).map(({ claim, verdict }) => `${verdict} ${claim.text}`))
 */

export { bindClientId, type ClientId, expectedClientIds } from './bind/client-id.ts'
export { compileRights } from './decide/compile-rights.ts'
export type { ByteRights, Decision, Permit, PublishFacts, Qos, Refuse, Rights } from './decide/decision.ts'
export { runPolicyTests, type TestOutcome } from './decide/run-tests.ts'
export { identityText, parseIdentityText } from './policy/identity-text.ts'
export { type LoadedPolicy, type LoadOptions, loadPolicySet } from './policy/load.ts'
export { matchIdentity } from './policy/match-identity.ts'
export type {
  Claim,
  FieldName,
  FieldTable,
  FieldValue,
  IdentityRule,
  MappedIdentity,
  PolicySet,
  PolicyTest,
  RightsHolder,
  Role,
  Rule,
} from './policy/model.ts'
export type { PolicyFile } from './policy/policy-files.ts'
export { rightsHolderOf } from './policy/rights-holder.ts'
export { parseTopicFilter, parseTopicName, type TopicFilter, type TopicName } from './policy/topic.ts'
export { formatProblem, type Problem, type ProblemCode, type Result, type Where } from './problem.ts'
export { type ClaimOutcome, type ProveOptions, proveClaims } from './prove/claims/prove-claims.ts'
export type { DefinitionChange } from './prove/diff/definitions.ts'
export { diffPolicies, type PolicyDiff, type RightChange } from './prove/diff/diff-policies.ts'
export { type Linted, lintPolicy, type Warning } from './prove/lint/lint-policy.ts'
export type { IssuerLimits } from './prove/person.ts'
export { type WhoCan, whoCan } from './prove/who-can.ts'
