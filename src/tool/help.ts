/** The end of every help text: a worked example, which the command's file gives, and the exit codes. */
import type { Command } from 'commander'
import { exitCodesHelp } from './exit-codes.ts'

export function addExample(command: Command, example: string): void {
  command.addHelpText('after', `\nExample: ${example}`)
}

/** To be called once, on the whole program. */
export function showExitCodes(command: Command): void {
  command.addHelpText('after', `\n${exitCodesHelp}`)
  for (const sub of command.commands) showExitCodes(sub)
}
