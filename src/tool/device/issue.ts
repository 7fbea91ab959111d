/** `portcullis device issue NAME`: key and certificate for a device that the policy knows how to name. */
import type { Command } from 'commander'
import { addExitCodes } from '../help.ts'
import { makeKey } from './issue-device.ts'
import { issueNamed } from './issue-named.ts'
import {
  addIdentityOptions,
  addIssueOptions,
  type IdentityOptions,
  type IssueCommandOptions,
  keyOption,
} from './issue-options.ts'
import { addOutputOptions, type OutputOptions, readOutput } from './output-options.ts'

interface IssueOptions extends IssueCommandOptions, IdentityOptions, OutputOptions {}

export function addDeviceIssue(device: Command): void {
  addExitCodes(
    addOutputOptions(
      addIssueOptions(
        addIdentityOptions(
          device
            .command('issue')
            .description('make key and certificate for a device, if the policy lets it do anything')
            .argument('<name>', 'name of the device: the capture that --set does not give'),
        ).addOption(keyOption()),
      ),
    ).action(issue),
    'portcullis device issue pump-12 --set site=s1',
  )
}

async function issue(name: string, options: IssueOptions): Promise<void> {
  const output = await readOutput(options)
  await issueNamed(name, options, () => ({ ...makeKey(options.key), output }), `issued ${name}`)
}
