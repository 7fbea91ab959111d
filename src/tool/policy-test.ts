/** `portcullis policy test [DIR]`: runs the tests of a policy folder, one line each. */
import type { Command } from 'commander'
import { runPolicyTests } from '../decide/run-tests.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, count, problemLines, say } from './io.ts'

type Outcomes = ReturnType<typeof runPolicyTests>

interface TestOptions {
  readonly json?: boolean
}

export function addPolicyTest(policy: Command): void {
  addExitCodes(
    policy
      .command('test')
      .description('run the tests of a policy folder (*.test.yaml)')
      .argument('[dir]', 'the policy folder', 'policies')
      .option('--json', 'answer as JSON')
      .action(test),
    'portcullis policy test policies',
  )
}

async function test(folder: string, options: TestOptions): Promise<void> {
  const { set, folder: shown } = await loadPolicyFolder(folder, { runTests: false })
  const outcomes = runPolicyTests(set)
  if (options.json) answerJson(asJson(outcomes))
  else tell(outcomes, shown)
  if (outcomes.some(hasFailed)) process.exitCode = exitCodes.no
}

function hasFailed({ failures }: Outcomes[number]): boolean {
  return failures.length > 0
}

function tell(outcomes: Outcomes, folder: string): void {
  for (const outcome of outcomes) {
    answer(`${hasFailed(outcome) ? 'FAILED' : 'ok    '}  ${outcome.test.name}`, hasFailed(outcome) ? 'bad' : 'good')
    for (const line of outcome.failures.flatMap(problemLines)) answer(`        ${line}`)
  }
  const failed = outcomes.filter(hasFailed).length
  if (outcomes.length === 0) say(`there are no tests in ${folder}: add one in a file *.test.yaml`)
  else if (failed > 0) say(`${failed} of ${count(outcomes.length, 'test')} failed`, 'bad')
  else say(`${count(outcomes.length, 'test')} passed`, 'good')
}

function asJson(outcomes: Outcomes): unknown {
  return {
    passed: !outcomes.some(hasFailed),
    tests: outcomes.map(outcome => ({
      name: outcome.test.name,
      where: outcome.test.where,
      passed: !hasFailed(outcome),
      failures: outcome.failures,
    })),
  }
}
