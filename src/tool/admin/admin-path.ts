/** Where the admin socket is: for `serve`, which makes it, and for the commands that talk to it. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { ConfigurationError, problem } from '../../problem.ts'
import { defaultConfigurationFile, loadConfiguration } from '../configuration.ts'

/** Made without being asked for where certificates for development are. */
export const developmentSocket = 'certs-dev/portcullis.sock'

export interface AdminOptions {
  readonly admin?: string
}

/** Adds `--admin` to a command that talks to a running broker. */
export function addAdminOption(command: Command): Command {
  return command.option(
    '--admin <socket>',
    `the admin socket of the broker (default: that of ${defaultConfigurationFile}; without one ${developmentSocket})`,
  )
}

/**
 * The socket that a command is to talk to, absolute. Rejects with ConfigurationError where the configuration has none, or has mistakes.
 * @example await adminPath({ admin: 'run/portcullis.sock' }, process.cwd())
 */
export async function adminPath({ admin }: AdminOptions, cwd: string): Promise<string> {
  if (admin !== undefined) return resolve(cwd, admin)
  const { file, adminSocket } = await loadConfiguration(undefined, cwd)
  if (adminSocket !== undefined) return adminSocket
  if (file === undefined) return resolve(cwd, developmentSocket)
  throw new ConfigurationError([
    problem('tool/no-broker', `${defaultConfigurationFile} gives the broker no admin socket`, {
      help: 'add `admin: { socket: run/portcullis.sock }` and start the broker again, or name its socket with --admin',
    }),
  ])
}
