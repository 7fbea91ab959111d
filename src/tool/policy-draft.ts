/** `portcullis policy draft LOG`: a policy for devices that are there already, from what they do; for a person to edit. */
import type { Command } from 'commander'
import { quote } from '../policy/quote.ts'
import { ConfigurationError, PolicyError, problem } from '../problem.ts'
import { type Draft, draftFiles, draftPolicy } from '../prove/draft/draft-policy.ts'
import type { LeftOut, LeftOutReason } from '../prove/draft/draft-rules.ts'
import { draftedRole } from '../prove/draft/draft-text.ts'
import { Traffic } from '../prove/draft/traffic.ts'
import { readPolicyFolder } from '../source/folder.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, count, say, sayProblems } from './io.ts'
import { readEntries } from './replay/read-entries.ts'
import { type Unwritten, writeNewFiles } from './write-new-files.ts'

interface DraftOptions {
  readonly policies: string
  readonly out?: string
  readonly json?: boolean
}

export function addPolicyDraft(policy: Command): void {
  addExitCodes(
    policy
      .command('draft')
      .description(
        'write roles and tests for the identities of a set from what a log shows them do; edit them before use',
      )
      .argument('<log>', 'a JSON decision log (`portcullis serve --report-only --log FILE`), or - for standard input')
      .option('--policies <dir>', 'the folder that has the identities', 'policies')
      .option('--out <dir>', 'write drafted.yaml and drafted.test.yaml there (default: print them)')
      .option('--json', 'answer as JSON')
      .action(draft),
    'portcullis policy draft decisions.log --out drafted',
  )
}

interface Read {
  readonly traffic: Traffic
  readonly suppressed: number
  readonly broken: number
}

async function draft(log: string, options: DraftOptions): Promise<void> {
  const { files, problems } = await readPolicyFolder(options.policies)
  if (problems.length > 0) throw new PolicyError(problems)
  const read = await readTraffic(log)
  const drafted = draftPolicy(files, read.traffic)
  if (!drafted.ok) {
    sayProblems([drafted.problem])
    process.exitCode = exitCodes.invalid
    return
  }
  if (options.out !== undefined) await write(options.out, drafted.value)
  if (options.json) answerJson(asJson(drafted.value, read))
  else if (options.out === undefined)
    for (const line of `${drafted.value.roles}\n# ${draftFiles.tests}\n${drafted.value.tests}`.trimEnd().split('\n'))
      answer(line)
  for (const line of summary(drafted.value, read)) say(line)
}

async function readTraffic(log: string): Promise<Read> {
  const traffic = new Traffic()
  let suppressed = 0
  const { read, broken, first } = await readEntries(log, entry => {
    if (entry.kind === 'suppressed') suppressed += entry.count
    if (entry.kind === 'decision') traffic.add(entry.decision)
  })
  if (first !== undefined) {
    if (read === 0) throw new ConfigurationError([first])
    sayProblems([first])
  }
  return { traffic, suppressed, broken }
}

async function write(folder: string, { roles, tests }: Draft): Promise<void> {
  const failed = await writeNewFiles(folder, [
    { path: draftFiles.roles, text: roles },
    { path: draftFiles.tests, text: tests },
  ])
  if (failed !== undefined) throw unwritten(failed)
}

function unwritten({ file, code }: Unwritten): ConfigurationError {
  const help = 'name another --out'
  return new ConfigurationError([
    code === 'EEXIST'
      ? problem('tool/foreign-file', `${quote(file)} exists and is not overwritten`, { help })
      : problem('tool/unwritable-file', `${quote(file)} cannot be written (${code})`, { help }),
  ])
}

const reasons: Readonly<Record<LeftOutReason, string>> = {
  'other-device': 'looks like access to another device',
  broad: 'reaches beyond one device',
  ambiguous: 'two values of the device are the same',
  unwritable: 'no rule can say it',
}

function leftOutLine({ shape, reason }: LeftOut): string {
  const { kind, action, sample, by } = shape
  return `not drafted, ${reasons[reason]}: ${kind} ${action} ${quote(sample.action.topic)} (of ${by.size})`
}

function summary({ rules, kinds, leftOut, unconfirmed, unknownKinds }: Draft, read: Read): readonly string[] {
  const { traffic, suppressed, broken } = read
  return [
    `${count(rules.length, 'rule')} drafted from ${count(traffic.decisions, 'decision')} of ${traffic.people} identities`,
    ...kinds.map(
      kind =>
        `next: put ${draftedRole(kind)} under the roles of ${kind}, read every rule, then portcullis policy check`,
    ),
    ...leftOut.map(leftOutLine),
    ...unconfirmed.map(({ sample }) => `not permitted to who did it: ${quote(sample.action.topic)}`),
    ...unknownKinds.map(kind => `the policy folder has no identity ${quote(kind)}`),
    ...(suppressed === 0
      ? []
      : [`${suppressed} refusals were only counted in the log: what they were about is not known`]),
    ...(traffic.beyond === 0 ? [] : [`${traffic.beyond} decisions were too different from one another to be held`]),
    ...(broken === 0 ? [] : [`${count(broken, 'line')} of the log could not be read`]),
  ]
}

function asJson(drafted: Draft, { traffic, suppressed, broken }: Read): unknown {
  const { roles, tests, kinds, unknownKinds, leftOut, unconfirmed } = drafted
  return {
    ...{ roles, tests, kinds, unknownKinds, suppressed, broken },
    rules: drafted.rules.length,
    decisions: traffic.decisions,
    identities: traffic.people,
    notHeld: traffic.beyond,
    leftOut: leftOut.map(({ shape, reason }) => ({
      reason,
      identity: shape.kind,
      action: shape.action,
      topic: shape.sample.action.topic,
    })),
    unconfirmed: unconfirmed.map(({ sample }) => sample.action.topic),
  }
}
