/** What `policy test` found, before it is put into words, JSON or a report. */
import { type Coverage, coverageOf } from '../../decide/coverage.ts'
import { placeOf } from '../../decide/determining.ts'
import type { Grant } from '../../decide/grant.ts'
import { runPolicyTests, type TestOutcome } from '../../decide/run-tests.ts'
import type { PolicySet } from '../../policy/model.ts'
import type { Where } from '../../problem.ts'
import { ruleText } from '../explain/rule-text.ts'

export interface TestReport {
  readonly outcomes: readonly TestOutcome[]
  readonly failed: readonly TestOutcome[]
  /** Undefined where nobody asked. */
  readonly coverage: Coverage | undefined
  /** The least percentage that was asked for. */
  readonly minimum: number | undefined
}

/** What is asked for besides the tests. */
export interface CoverageOptions {
  readonly coverage?: boolean
  readonly minCoverage?: number
}

/** Runs the tests of the set; a minimum asks for coverage too. */
export function testReport(set: PolicySet, { coverage, minCoverage: minimum }: CoverageOptions): TestReport {
  const outcomes = runPolicyTests(set)
  const isCoverageAsked = coverage === true || minimum !== undefined
  return {
    outcomes,
    failed: outcomes.filter(outcome => !outcome.ok),
    coverage: isCoverageAsked ? coverageOf(set, outcomes) : undefined,
    minimum,
  }
}

/** Whether the tests exercise as much as was asked for. */
export function isCoveredEnough({ coverage, minimum = 0 }: TestReport): boolean {
  return coverage === undefined || coverage.percent >= minimum
}

/** Why coverage is not enough, as one sentence. */
export function tooLittle({ coverage, minimum }: TestReport): string {
  return `${coverage?.percent} % of the rules are exercised, and --min-coverage asks for ${minimum} %`
}

export function coverageSentence({ exercised, rules, percent }: Coverage): string {
  return `${exercised} of ${rules} rules exercised (${percent} %)`
}

export interface UncoveredRule {
  readonly role: string
  readonly where: Where
  readonly text: string
}

/** A rule that no test exercises, as it would be written with this filter alone. */
export function uncoveredRule(grant: Grant): UncoveredRule {
  const { rule, template } = grant
  return { role: rule.role, where: placeOf(grant), text: ruleText({ ...rule, filters: [template] }) }
}
