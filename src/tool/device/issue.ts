/** `portcullis device issue NAME`: key and certificate for a device that the policy knows how to name. */
import type { Command } from 'commander'
import type { KeyType } from '../../provision/keys.ts'
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

interface IssueOptions extends IssueCommandOptions, IdentityOptions {
  readonly key: KeyType
}

export function addDeviceIssue(device: Command): void {
  addExitCodes(
    addIssueOptions(
      addIdentityOptions(
        device
          .command('issue')
          .description('make key and certificate for a device, if the policy lets it do anything')
          .argument('<name>', 'name of the device: the capture that --set does not give'),
      ).addOption(keyOption()),
    ).action(issue),
    'portcullis device issue pump-12 --set site=s1',
  )
}

function issue(name: string, options: IssueOptions): Promise<void> {
  return issueNamed(name, options, () => makeKey(options.key), `issued ${name}`)
}
