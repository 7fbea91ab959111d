/** The outcome of `policy test` as JUnit XML: a suite for each test file, a case for each test. The same every time: no clock, no host. */
import type { TestOutcome } from '../../decide/run-tests.ts'
import { escapeXml } from '../../observe/escape-xml.ts'
import { problemLines } from '../io.ts'

/** How every report of ours begins. */
export const junitBeginning = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="portcullis policy test"`

/** The whole file. */
export function renderJunit(outcomes: readonly TestOutcome[]): string {
  const files = [...new Set(outcomes.map(({ test }) => test.where.file))]
  const suites = files.map(file =>
    suite(
      file,
      outcomes.filter(({ test }) => test.where.file === file),
    ),
  )
  return `${junitBeginning}${numbers(outcomes)}>\n${suites.join('')}</testsuites>\n`
}

type Attributes = Readonly<Record<string, string | number | undefined>>

function attributes(given: Attributes): string {
  return Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('')
}

function numbers(outcomes: readonly TestOutcome[]): string {
  return attributes({
    tests: outcomes.length,
    failures: outcomes.filter(({ ok }) => !ok).length,
    errors: 0,
    skipped: 0,
  })
}

function suite(file: string, outcomes: readonly TestOutcome[]): string {
  return `  <testsuite${attributes({ name: file })}${numbers(outcomes)}>\n${outcomes.map(testCase).join('')}  </testsuite>\n`
}

function testCase({ test: { name, where }, failures }: TestOutcome): string {
  const opening = `    <testcase${attributes({ name, classname: where.file, file: where.file, line: where.line })}`
  const [first, ...others] = failures
  if (first === undefined) return `${opening}/>\n`
  // many readers show one failure of a case: it has all of them
  const message = others.length === 0 ? first.sentence : `${first.sentence} (and ${others.length} more)`
  const text = failures.flatMap(problemLines).map(escapeXml).join('\n')
  return `${opening}>\n      <failure${attributes({ message, type: first.code })}>${text}</failure>\n    </testcase>\n`
}
