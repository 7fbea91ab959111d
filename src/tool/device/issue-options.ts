/** Options that `issue`, `sign` and `renew` share, and how they refuse. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Problem } from '../../problem.ts'
import { type KeyType, keyTypes } from '../../provision/keys.ts'
import { addSigningOptions, parseDays, type SigningOptions } from '../ca/open.ts'
import { exitCodes } from '../exit-codes.ts'
import { sayProblems } from '../io.ts'
import { addPolicyOptions, type PolicyOptions } from './context.ts'

export interface IssueCommandOptions extends SigningOptions, PolicyOptions {
  readonly days: number
  readonly out: string
  readonly json?: boolean
}

export interface IdentityOptions {
  readonly identity?: string
  readonly set: ReadonlyMap<string, string>
}

export function addIssueOptions(command: Command): Command {
  return addPolicyOptions(addSigningOptions(command))
    .option('--days <n>', 'validity', parseDays, 365)
    .option('--out <dir>', 'where the files go', '.')
    .option('--json', 'answer as JSON')
}

export function addIdentityOptions(command: Command): Command {
  return command
    .option('--identity <name>', 'identity of the policy (the only one, or `device`)')
    .option(
      '--set <capture=value>',
      'another capture of the identity, such as site=s1 (several times)',
      collectSet,
      new Map(),
    )
}

export function keyOption(): Option {
  return new Option('--key <type>', 'type of the key').choices(keyTypes).default('p256' satisfies KeyType)
}

function collectSet(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [, name, value] = /^([A-Za-z]\w*)=(.+)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write CAPTURE=VALUE, such as site=s1.')
  if (before.has(name)) throw new InvalidArgumentError(`${name} is given twice.`)
  return new Map(before).set(name, value)
}

/** The answer is no: nothing was issued. */
export function refuse(problem: Problem): void {
  sayProblems([problem])
  process.exitCode = exitCodes.no
}
