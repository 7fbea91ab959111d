/** `portcullis policy replay LOG`: what a change of the policies would have done to what really happened. */
import { type Command, Option } from 'commander'
import { ConfigurationError, type Problem, problem } from '../problem.ts'
import { Replay, type ReplaySummary } from '../prove/replay/replay.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, sayProblems } from './io.ts'
import { logName } from './replay/open-log-file.ts'
import { readEntries } from './replay/read-entries.ts'
import { replayJson, replayLines } from './replay/replay-text.ts'

interface ReplayOptions {
  readonly policies: string
  readonly json?: boolean
  readonly failOn: 'nothing' | 'change' | 'newly-refused' | 'newly-permitted'
}

export function addPolicyReplay(policy: Command): void {
  addExitCodes(
    policy
      .command('replay')
      .description('decide a decision log again under other policies, and say what would change')
      .argument('<log>', 'a JSON decision log (`portcullis serve --log FILE`), or - for standard input')
      .option('--policies <dir>', 'the policies to decide under', 'policies')
      .option('--json', 'answer as JSON')
      .addOption(
        new Option('--fail-on <change>', 'end with exit code 2 on such a change')
          .choices(['nothing', 'change', 'newly-refused', 'newly-permitted'])
          .default('nothing'),
      )
      .action(replay),
    'portcullis policy replay decisions.log --policies candidate --fail-on newly-refused',
  )
}

async function replay(log: string, options: ReplayOptions): Promise<void> {
  // failing tests do not keep anybody from asking what would change
  const { set, revision, folder } = await loadPolicyFolder(options.policies, { runTests: false })
  const replayed = new Replay({ set, revision })
  const { read, broken, first } = await readEntries(log, entry => replayed.add(entry))
  if (read === 0) throw new ConfigurationError([first ?? emptyLog(log)])
  if (first !== undefined) sayProblems([first])
  const summary = replayed.summary()
  const context = { log, folder, revision, broken }
  if (options.json) answerJson(replayJson(summary, context))
  else for (const line of replayLines(summary, context)) answer(line)
  if (hasFailed(summary, options.failOn)) process.exitCode = exitCodes.no
}

function emptyLog(log: string): Problem {
  return problem('tool/not-a-log', 'the log has no line', {
    where: { file: logName(log) },
    help: 'give the JSON log that `portcullis serve --log FILE` writes',
  })
}

function hasFailed({ changed }: ReplaySummary, failOn: ReplayOptions['failOn']): boolean {
  if (failOn === 'nothing') return false
  return failOn === 'change' ? Object.values(changed).some(number => number > 0) : changed[failOn] > 0
}
