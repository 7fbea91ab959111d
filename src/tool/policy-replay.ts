/** `portcullis policy replay LOG`: what a change of the policies would have done to what really happened. */
import { type Command, Option } from 'commander'
import { readLogLine } from '../observe/read-log.ts'
import { ConfigurationError, type Problem, problem } from '../problem.ts'
import { Replay, type ReplaySummary } from '../prove/replay/replay.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, sayProblems } from './io.ts'
import { logName, openLogFile } from './replay/open-log-file.ts'
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
  const { summary, broken, first } = await replayFile(log, new Replay({ set, revision }))
  if (first !== undefined) sayProblems([first])
  const context = { log, folder, revision, broken }
  if (options.json) answerJson(replayJson(summary, context))
  else for (const line of replayLines(summary, context)) answer(line)
  if (hasFailed(summary, options.failOn)) process.exitCode = exitCodes.no
}

interface Replayed {
  readonly summary: ReplaySummary
  readonly broken: number
  /** The first line that is none of a decision log. */
  readonly first: Problem | undefined
}

/** Rejects with ConfigurationError where no line is one of a decision log. */
async function replayFile(log: string, replay: Replay): Promise<Replayed> {
  let [read, broken] = [0, 0]
  let first: Problem | undefined
  for await (const { number, text } of openLogFile(log)) {
    const entry = readLogLine(text ?? '', number)
    if (entry.ok) {
      read += 1
      replay.add(entry.value)
      continue
    }
    broken += 1
    first ??= { ...entry.problem, where: { file: logName(log), line: number } }
  }
  if (read === 0) throw new ConfigurationError([first ?? emptyLog(log)])
  return { summary: replay.summary(), broken, first }
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
