/**
 * The outcome of `policy test` as workflow commands of GitHub Actions, which shows them at the lines of a pull request. Nothing
 * else may stand on stdout beside them: a test could be named as a command.
 */
import { escapeGithubMessage, escapeGithubProperty } from '../../observe/escape-github.ts'
import type { Problem, Where } from '../../problem.ts'
import { coverageSentence, isCoveredEnough, type TestReport, tooLittle, uncoveredRule } from './test-report.ts'

/** A line for each failure and for each rule that no test exercises. */
export function reportAnnotations(report: TestReport): readonly string[] {
  const failures = report.failed.flatMap(({ test, failures }) =>
    failures.map(failure => problemAnnotation(failure, test.name)),
  )
  const { coverage } = report
  if (coverage === undefined) return failures
  const uncovered = coverage.uncovered
    .map(uncoveredRule)
    .map(({ where, text }) => annotation('notice', where, 'rule not exercised', [`no test exercises ${text}`]))
  const summary = isCoveredEnough(report)
    ? annotation('notice', undefined, 'policy coverage', [coverageSentence(coverage)])
    : annotation('error', undefined, 'policy coverage', [coverageSentence(coverage), tooLittle(report)])
  return [...failures, ...uncovered, summary]
}

/** A problem of a policy set, a failed test among them. */
export function problemAnnotation({ code, sentence, where, help }: Problem, title: string = code): string {
  return annotation('error', where, title, [`${code}: ${sentence}`, ...(help === undefined ? [] : [`help: ${help}`])])
}

function annotation(
  level: 'error' | 'notice',
  where: Where | undefined,
  title: string,
  lines: readonly string[],
): string {
  const given = { file: where?.file, line: where?.line, col: where?.column, title }
  const properties = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeGithubProperty(String(value))}`)
  return `::${level} ${properties.join(',')}::${escapeGithubMessage(lines)}`
}
