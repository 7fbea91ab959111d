/** What a user sees of an error that nobody expected or that ends a command: sentences, never a stack. */
import { CommanderError } from 'commander'
import { PortcullisError } from '../problem.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { say, sayProblems } from './io.ts'

/** Tells the error and gives the exit code for it. */
export function tellFailure(error: unknown): ExitCode {
  if (error instanceof CommanderError) return commanderExitCode(error)
  if (error instanceof PortcullisError) {
    sayProblems(error.problems)
    return exitCodes.invalid
  }
  const sentence = error instanceof Error ? error.message : String(error)
  say(`internal error: ${sentence.split('\n', 1)[0] || 'no reason given'} (PORTCULLIS_DEBUG=1 shows more)`, 'bad')
  if (process.env['PORTCULLIS_DEBUG'] && error instanceof Error) {
    for (const line of (error.stack ?? '').split('\n')) say(line, 'faint')
  }
  return exitCodes.failed
}

/** Commander has told it already. Help that was asked for is done; help for want of a command is wrong usage. */
function commanderExitCode(error: CommanderError): ExitCode {
  return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
}
