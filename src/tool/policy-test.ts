/** `portcullis policy test [DIR]`: runs the tests of a policy folder, one line each, and says which rules none exercises. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { PortcullisError } from '../problem.ts'
import { type LoadedPolicy, loadPolicyFolder } from '../source/folder.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, sayProblems } from './io.ts'
import { problemAnnotation, reportAnnotations } from './test/annotations.ts'
import { junitBeginning, renderJunit } from './test/junit.ts'
import { type CoverageOptions, isCoveredEnough, type TestReport, testReport } from './test/test-report.ts'
import { reportJson, sayCoverage, saySummary, tellReport } from './test/test-text.ts'
import { unwrittenExitCode, writeOwnFile } from './write-own-file.ts'

interface TestOptions extends CoverageOptions {
  readonly junit?: string
  readonly json?: boolean
  readonly github?: boolean
}

export function addPolicyTest(policy: Command): void {
  addExitCodes(
    policy
      .command('test')
      .description('run the tests of a policy folder (*.test.yaml)')
      .argument('[dir]', 'the policy folder', 'policies')
      .option('--coverage', 'also list the rules that no test exercises')
      .option('--min-coverage <percent>', '--coverage, and exit code 2 if the tests exercise less', percentage)
      .option('--junit <file>', 'also write a report as JUnit XML', fileName)
      .option('--json', 'answer as JSON')
      .addOption(new Option('--github', 'answer as annotations of GitHub Actions').conflicts('json'))
      .action(test),
    'portcullis policy test policies --min-coverage 100 --junit policy-tests.xml',
  )
}

function percentage(text: string): number {
  if (!/^(?:100|[1-9]?[0-9])$/.test(text)) throw new InvalidArgumentError('Write a whole number from 0 to 100.')
  return Number(text)
}

function fileName(text: string): string {
  if (text === '' || text === '-') throw new InvalidArgumentError('Name a file: stdout has the answer.')
  return text
}

async function test(folder: string, options: TestOptions): Promise<void> {
  const loaded = options.github ? await loadAnnotated(folder) : await load(folder)
  if (loaded === undefined) return
  const report = testReport(loaded.set, options)
  if (options.json) answerJson(reportJson(report))
  else if (options.github) for (const line of reportAnnotations(report)) answer(line)
  else tellReport(report)
  if (!options.json) saySummary(report, loaded.folder)
  sayCoverage(report)
  if (report.failed.length > 0 || !isCoveredEnough(report)) process.exitCode = exitCodes.no
  if (options.junit !== undefined) await writeJunit(options.junit, report)
}

function load(folder: string): Promise<LoadedPolicy> {
  return loadPolicyFolder(folder, { runTests: false })
}

/** What keeps a set from loading is shown at its lines too. */
async function loadAnnotated(folder: string): Promise<LoadedPolicy | undefined> {
  try {
    return await load(folder)
  } catch (error) {
    if (!(error instanceof PortcullisError)) throw error
    for (const found of error.problems) answer(problemAnnotation(found))
    process.exitCode = exitCodes.invalid
    return undefined
  }
}

async function writeJunit(path: string, { outcomes }: TestReport): Promise<void> {
  const refusal = await writeOwnFile({
    path,
    content: renderJunit(outcomes),
    beginning: junitBeginning,
    kind: 'report of `policy test`',
    option: '--junit',
    isForced: undefined,
  })
  if (refusal === undefined) return
  sayProblems([refusal])
  process.exitCode = unwrittenExitCode(refusal)
}
