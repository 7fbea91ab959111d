#!/usr/bin/env node
/** The command `portcullis`: builds the program of one file per command, runs it, and ends with an exit code. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addCa } from './ca/command.ts'
import { addDemo } from './demo/command.ts'
import { addDevice } from './device/command.ts'
import { addEnroll } from './enroll/command.ts'
import { tellFailure, tellUsage } from './failure.ts'
import { addExitCodes, completeHelp } from './help.ts'
import { addInit } from './init.ts'
import { addPolicyCheck } from './policy-check.ts'
import { addPolicyDiff } from './policy-diff.ts'
import { addPolicyDraft } from './policy-draft.ts'
import { addPolicyExplain } from './policy-explain.ts'
import { addPolicyMap } from './policy-map.ts'
import { addPolicyProve } from './policy-prove.ts'
import { addPolicyReplay } from './policy-replay.ts'
import { addPolicyTest } from './policy-test.ts'
import { addPolicyWho } from './policy-who.ts'
import { addServe } from './serve.ts'
import { addTry } from './try.ts'

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function buildProgram(): Command {
  const program = new Command('portcullis')
    .description('TLS-bound device identity and access control for MQTT')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({ outputError: tellUsage })
    .showHelpAfterError('see --help')
  addExitCodes(program, 'portcullis policy explain device:site=s1,device=pump-7 publish plant/s1/pump-7/state')
  addServe(program)
  addTry(program)
  addDemo(program)
  addInit(program)
  const policy = program.command('policy').description('check, test and question a policy folder')
  addExitCodes(policy, 'portcullis policy check policies')
  addPolicyCheck(policy)
  addPolicyTest(policy)
  addPolicyProve(policy)
  addPolicyDiff(policy)
  addPolicyWho(policy)
  addPolicyExplain(policy)
  addPolicyReplay(policy)
  addPolicyDraft(policy)
  addPolicyMap(policy)
  addCa(program)
  addDevice(program)
  addEnroll(program)
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
  await buildProgram().parseAsync()
} catch (error) {
  process.exitCode = tellFailure(error)
}
