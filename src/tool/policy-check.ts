/** `portcullis policy check [DIR]`: all that loading does, tests included, and nothing else. */
import type { Command } from 'commander'
import { PolicyError, type Problem } from '../problem.ts'
import { type Linted, lintPolicy } from '../prove/lint/lint-policy.ts'
import { type FolderOptions, type LoadedPolicy, loadPolicyFolder } from '../source/folder.ts'
import { issuerOptionsOf } from './configured-issuers.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, count, problemLines, say, sayProblems } from './io.ts'

interface CheckOptions {
  readonly config?: string
  readonly json?: boolean
  readonly strict?: boolean
}

export function addPolicyCheck(policy: Command): void {
  addExitCodes(
    policy
      .command('check')
      .description('read a policy folder, check it, run its tests and prove its claims; tell every mistake')
      .argument('[dir]', 'the policy folder', 'policies')
      .option('--config <file>', 'the configuration whose issuer names the policies may use')
      .option('--strict', 'end with exit code 2 where there is a warning')
      .option('--json', 'answer as JSON')
      .action(check),
    'portcullis policy check policies --config portcullis.config.yaml',
  )
}

async function check(folder: string, options: CheckOptions): Promise<void> {
  const outcome = await loadAsServeDoes(folder, await issuerOptionsOf(options.config))
  if (outcome.problems.length > 0) process.exitCode = exitCodes.invalid
  const linted = outcome.policy === undefined ? nothing : lintPolicy(outcome.policy.set)
  if (options.strict && linted.warnings.length > 0) process.exitCode = exitCodes.no
  if (options.json) answerJson(asJson(outcome, linted))
  else tell(outcome, linted)
}

const nothing: Linted = { warnings: [], accepted: [] }

interface CheckOutcome {
  readonly policy?: LoadedPolicy
  readonly problems: readonly Problem[]
}

async function loadAsServeDoes(folder: string, options: FolderOptions): Promise<CheckOutcome> {
  try {
    const policy = await loadPolicyFolder(folder, options)
    return { policy, problems: [] }
  } catch (error) {
    if (error instanceof PolicyError) return { problems: error.problems }
    throw error
  }
}

function tell({ policy, problems }: CheckOutcome, { warnings, accepted }: Linted): void {
  for (const note of policy?.notes ?? []) say(note)
  if (problems.length > 0 || policy === undefined) {
    sayProblems(problems)
    say(count(problems.length, 'problem'))
    return
  }
  for (const warning of warnings)
    problemLines(warning).forEach((line, index) => {
      say(index === 0 ? `warning: ${line}` : line)
    })
  for (const one of accepted) say(one, 'faint')
  const { set, rules, tests, claims, revision } = policy
  answer(
    `${policy.folder}/: ${[count(set.files.length, 'file'), count(rules, 'rule'), `${count(tests, 'test')} passed`, ...(claims === 0 ? [] : [`${count(claims, 'claim')} proved`])].join(', ')}, revision ${revision}`,
    'good',
  )
}

function asJson({ policy, problems }: CheckOutcome, { warnings, accepted }: Linted): unknown {
  if (problems.length > 0 || policy === undefined) return { valid: false, problems }
  const { set, folder, rules, tests, claims, revision, notes } = policy
  return { valid: true, folder, files: set.files, rules, tests, claims, revision, notes, problems, warnings, accepted }
}
