/** The end of every help text: a worked example, and the exit codes. */
import type { Command } from 'commander'
import { exitCodesHelp } from './exit-codes.ts'

const shown = new WeakSet<Command>()

/** Ends a command's help text with a worked example and the exit codes. */
export function addExitCodes(command: Command, example: string): void {
  shown.add(command)
  command.addHelpText('after', `\nExample: ${example}\n\n${exitCodesHelp}`)
}

/** The exit codes for every command of the program that wrote its example itself. */
export function completeHelp(command: Command): void {
  if (!shown.has(command)) command.addHelpText('after', `\n${exitCodesHelp}`)
  for (const sub of command.commands) completeHelp(sub)
}
