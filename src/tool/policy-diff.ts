/** `portcullis policy diff OLD [NEW]`: what a change of the policies lets anybody do, or no longer do. */
import { stat } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { ConfigurationError, PolicyError, problem } from '../problem.ts'
import { diffPolicies } from '../prove/diff/diff-policies.ts'
import { type LoadedPolicy, loadPolicyFolder } from '../source/folder.ts'
import { isRevision, loadPolicyRevision, mergeBase } from '../source/git-revision.ts'
import { diffJson, diffLines, diffMarkdown } from './diff/diff-text.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson } from './io.ts'

interface DiffOptions {
  readonly policies: string
  readonly format: 'text' | 'json' | 'markdown'
  readonly json?: boolean
  readonly failOn: 'nothing' | 'gain' | 'any'
}

export function addPolicyDiff(policy: Command): void {
  addExitCodes(
    policy
      .command('diff')
      .description('say who gains and who loses what by a change of the policies: by its meaning, not its text')
      .argument('<old>', 'a folder, a git revision, or two revisions: main..HEAD, main...HEAD')
      .argument('[new]', 'a folder or a git revision; the folder of --policies if absent')
      .option('--policies <dir>', 'the policy folder, also within a revision', 'policies')
      .addOption(new Option('--format <format>', 'how to answer').choices(['text', 'json', 'markdown']).default('text'))
      .option('--json', 'the same as --format json')
      .addOption(
        new Option('--fail-on <change>', 'end with exit code 2 on such a change')
          .choices(['nothing', 'gain', 'any'])
          .default('nothing'),
      )
      .action(diff),
    'portcullis policy diff main..HEAD --fail-on gain',
  )
}

async function diff(old: string, next: string | undefined, options: DiffOptions): Promise<void> {
  const [before, after] = await both(old, next, options.policies)
  const compared = diffPolicies(before.set, after.set)
  if (!compared.ok) throw new PolicyError([compared.problem])
  const found = compared.value
  const format = options.json ? 'json' : options.format
  if (format === 'json') answerJson(diffJson(found))
  else for (const line of format === 'markdown' ? diffMarkdown(found) : diffLines(found)) answer(line)
  const gained = found.gains.length > 0 || found.definitions.some(({ effect }) => effect !== 'loss')
  const any = gained || found.losses.length > 0 || found.definitions.length > 0
  if ((options.failOn === 'gain' && gained) || (options.failOn === 'any' && any)) process.exitCode = exitCodes.no
}

async function both(
  old: string,
  next: string | undefined,
  policies: string,
): Promise<readonly [LoadedPolicy, LoadedPolicy]> {
  const range = next === undefined ? /^(.*?)(\.\.\.?)(.*)$/.exec(old) : null
  // `a..b` may also be how a folder is written
  if (range === null || (await isFolder(old)))
    return [await load(old, policies), next === undefined ? await loadUnproved(policies) : await load(next, policies)]
  const [, left, dots, right] = range
  const to = right || 'HEAD'
  // as git has it, three dots leave out what the other side has changed since
  const from = dots === '...' ? await mergeBase(left || 'HEAD', to, process.cwd()) : left || 'HEAD'
  return [await load(from, policies), await load(to, policies)]
}

/** A side is compared as it stands: failing tests and claims are for `policy check`. */
const unproved = { runTests: false } as const

function loadUnproved(folder: string): Promise<LoadedPolicy> {
  return loadPolicyFolder(folder, unproved)
}

async function load(text: string, policies: string): Promise<LoadedPolicy> {
  if (await isFolder(text)) return loadUnproved(text)
  if (await isRevision(text, process.cwd())) return loadPolicyRevision(text, policies, process.cwd(), unproved)
  throw new ConfigurationError([
    problem('tool/bad-revision', `${text} is neither a folder nor a git revision`, {
      help: 'name a folder, a revision (`main`), or two (`main..HEAD`), inside a git repository',
    }),
  ])
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    facts => facts.isDirectory(),
    () => false,
  )
}
