/** The outcome of `policy test` for a person and, as JSON, for a program. */
import { formatWhere } from '../../problem.ts'
import { answer, count, problemLines, say } from '../io.ts'
import { coverageSentence, isCoveredEnough, type TestReport, tooLittle, uncoveredRule } from './test-report.ts'

/** A line for each test, and for each rule that none exercises. */
export function tellReport(report: TestReport): void {
  for (const { ok, test, failures } of report.outcomes) {
    answer(`${ok ? 'ok    ' : 'FAILED'}  ${test.name}`, ok ? 'good' : 'bad')
    for (const line of failures.flatMap(problemLines)) answer(`        ${line}`)
  }
  const { coverage } = report
  if (coverage === undefined) return
  for (const { where, text } of coverage.uncovered.map(uncoveredRule))
    answer(`unused  ${formatWhere(where)}: no test exercises ${text}`, 'bad')
  answer(coverageSentence(coverage), coverage.uncovered.length === 0 ? 'good' : 'plain')
}

/** How it went as a whole. */
export function saySummary(report: TestReport, folder: string): void {
  const { outcomes, failed } = report
  if (outcomes.length === 0) say(`there are no tests in ${folder}: add one in a file *.test.yaml`)
  else if (failed.length > 0) say(`${failed.length} of ${count(outcomes.length, 'test')} failed`, 'bad')
  else say(`${count(outcomes.length, 'test')} passed`, 'good')
}

/** That coverage is less than was asked for. */
export function sayCoverage(report: TestReport): void {
  if (!isCoveredEnough(report)) say(tooLittle(report), 'bad')
}

export function reportJson(report: TestReport): unknown {
  const { outcomes, failed, coverage, minimum } = report
  return {
    passed: failed.length === 0,
    tests: outcomes.map(({ test: { name, where }, ok, failures }) => ({ name, where, passed: ok, failures })),
    ...(coverage === undefined
      ? {}
      : {
          coverage: {
            rules: coverage.rules,
            exercised: coverage.exercised,
            percent: coverage.percent,
            ...(minimum === undefined ? {} : { minimum, enough: isCoveredEnough(report) }),
            uncovered: coverage.uncovered.map(uncoveredRule),
          },
        }),
  }
}
