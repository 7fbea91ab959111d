/**
 * The commands, in the order of the help text, each in a module of its own. Only the one that is asked for is loaded: all of
 * them, with the broker, the database and the cryptography behind them, take half a second.
 */
import type { Command } from 'commander'
import { addExitCodes } from './help.ts'

type Add = (parent: Command, words: readonly string[]) => void | Promise<void>
type Commands = Readonly<Record<string, () => Promise<Add>>>

const policyCommands: Commands = {
  check: async () => (await import('./policy-check.ts')).addPolicyCheck,
  test: async () => (await import('./policy-test.ts')).addPolicyTest,
  prove: async () => (await import('./policy-prove.ts')).addPolicyProve,
  diff: async () => (await import('./policy-diff.ts')).addPolicyDiff,
  who: async () => (await import('./policy-who.ts')).addPolicyWho,
  explain: async () => {
    const { addPolicyExplain } = await import('./policy-explain.ts')
    return policy => addPolicyExplain(policy)
  },
  replay: async () => (await import('./policy-replay.ts')).addPolicyReplay,
  draft: async () => (await import('./policy-draft.ts')).addPolicyDraft,
  map: async () => (await import('./policy-map.ts')).addPolicyMap,
  bundle: async () => (await import('./policy-bundle.ts')).addPolicyBundle,
}

/** To add a command: a file that exports its `add…`, and a line here. */
export const commands: Commands = {
  serve: async () => (await import('./serve.ts')).addServe,
  try: async () => (await import('./try.ts')).addTry,
  demo: async () => (await import('./demo/command.ts')).addDemo,
  init: async () => (await import('./init.ts')).addInit,
  policy: async () => addPolicy,
  ca: async () => (await import('./ca/command.ts')).addCa,
  device: async () => (await import('./device/command.ts')).addDevice,
  session: async () => (await import('./session/command.ts')).addSession,
  watch: async () => (await import('./watch.ts')).addWatch,
  status: async () => (await import('./status.ts')).addStatus,
  enroll: async () => (await import('./enroll/command.ts')).addEnroll,
  audit: async () => (await import('./audit.ts')).addAudit,
}

function addPolicy(program: Command, words: readonly string[]): Promise<void> {
  const policy = program.command('policy').description('check, test and question a policy folder')
  addExitCodes(policy, 'portcullis policy check policies')
  return addCommands(policy, policyCommands, words)
}

/**
 * Adds the command that the first word names, or all of them where it names none: for the help text, and for the guess what
 * was meant.
 */
export async function addCommands(
  parent: Command,
  table: Commands,
  [word, ...words]: readonly string[],
): Promise<void> {
  const named = word !== undefined && Object.hasOwn(table, word) ? [word] : Object.keys(table)
  for (const name of named) await (await table[name]?.())?.(parent, words)
}
