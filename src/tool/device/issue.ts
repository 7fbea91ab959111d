/** `portcullis device issue NAME`: key and certificate for a device that the policy knows how to name. */
import type { Command } from 'commander'
import { wantedIdentity } from '../../provision/identity-names.ts'
import { createKeys, type KeyType, keyPem } from '../../provision/keys.ts'
import { withCa } from '../ca/open.ts'
import { addExitCodes } from '../help.ts'
import { answerJson, say } from '../io.ts'
import { loadContext } from './context.ts'
import { answerIssued, issuedJson } from './device-text.ts'
import { issueDevice } from './issue-device.ts'
import {
  addIdentityOptions,
  addIssueOptions,
  type IdentityOptions,
  type IssueCommandOptions,
  keyOption,
  refuse,
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

async function issue(name: string, options: IssueOptions): Promise<void> {
  await withCa(options, async ca => {
    const context = await loadContext(options, ca)
    const identity = wantedIdentity(context.set, { name, kind: options.identity, given: options.set })
    if (!identity.ok) {
      refuse(identity.problem)
      return
    }
    const { privateKey, publicKey } = createKeys(options.key)
    const { days, out } = options
    const wish = { ...context, identity: identity.value, name, publicKey, keyPem: keyPem(privateKey), days, out }
    const issued = await issueDevice(ca, { ...wish, renew: false })
    if (!issued.ok) {
      refuse(issued.problem)
      return
    }
    const { signed, files, entitlement } = issued.value
    if (options.json) answerJson(issuedJson(signed, files, entitlement))
    else answerIssued(signed, files, entitlement)
    say(`issued ${name}`, 'good')
  })
}
