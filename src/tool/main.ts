#!/usr/bin/env node
/** The command `portcullis`: builds the program of one file per command, runs it, and ends with an exit code. */
import { Command } from 'commander'
import { addCommands, commands } from './commands.ts'
import { tellFailure, tellUsage } from './failure.ts'
import { addExitCodes, completeHelp } from './help.ts'
import { readVersion } from './version.ts'

async function buildProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('portcullis')
    .description('TLS-bound device identity and access control for MQTT')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    // an option behind a command is the command's own: `policy bundle --version 7`
    .enablePositionalOptions()
    .configureOutput({ outputError: tellUsage })
    .showHelpAfterError('see --help')
  addExitCodes(program, 'portcullis policy explain device:site=s1,device=pump-7 publish plant/s1/pump-7/state')
  await addCommands(program, commands, words)
  completeHelp(program)
  return program
}

/** Whoever reads our output may stop reading (`| head`): that is no failure. */
function quietBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit()
    })
  }
}

function exitWith(error: unknown): void {
  process.exit(tellFailure(error))
}

quietBrokenPipes()
process.on('uncaughtException', exitWith)
process.on('unhandledRejection', exitWith)
try {
  const program = await buildProgram(process.argv.slice(2))
  await program.parseAsync()
} catch (error) {
  process.exitCode = tellFailure(error)
}
