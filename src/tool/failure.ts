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
    // indented, since a line of the message may look like one of ours
    for (const line of (error.stack ?? '').split('\n')) say(`  ${line}`, 'faint')
  }
  return exitCodes.failed
}

/** What commander says of a wrong command line, the words typed in it; the line break before its guess is its own. */
export function tellUsage(text: string): void {
  const [, sentence = text, guess] = /^(.*?)(?:\n(\(Did you mean [^\n]*\?\)))?\n$/s.exec(text) ?? []
  say(sentence)
  if (guess !== undefined) say(guess)
}

/** Commander has told it already. Help that was asked for is done; help for want of a command is wrong usage. */
function commanderExitCode(error: CommanderError): ExitCode {
  return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
}
