/** `portcullis device sign NAME --csr FILE`: a certificate for a key that stays on the device. */
import type { Command } from 'commander'
import { wantedIdentity } from '../../provision/identity-names.ts'
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
  refuse,
} from './issue-options.ts'
import { readRequestFile } from './read-request.ts'

interface SignOptions extends IssueCommandOptions, IdentityOptions {
  readonly csr: string
}

export function addDeviceSign(device: Command): void {
  addExitCodes(
    addIssueOptions(
      addIdentityOptions(
        device
          .command('sign')
          .description('make a certificate for the key of a signing request; of the request, only the key is taken')
          .argument('<name>', 'name of the device: the capture that --set does not give')
          .requiredOption('--csr <file>', 'the signing request (PKCS#10, PEM or DER)'),
      ),
    ).action(sign),
    'portcullis device sign pump-12 --csr pump-12.csr --set site=s1',
  )
}

async function sign(name: string, options: SignOptions): Promise<void> {
  const { publicKey } = await readRequestFile(options.csr)
  await withCa(options, async ca => {
    const context = await loadContext(options, ca)
    const identity = wantedIdentity(context.set, { name, kind: options.identity, given: options.set })
    if (!identity.ok) {
      refuse(identity.problem)
      return
    }
    const { days, out } = options
    const wish = { ...context, identity: identity.value, name, publicKey, keyPem: undefined, days, out }
    const issued = await issueDevice(ca, { ...wish, renew: false })
    if (!issued.ok) {
      refuse(issued.problem)
      return
    }
    const { signed, files, entitlement } = issued.value
    if (options.json) answerJson(issuedJson(signed, files, entitlement))
    else answerIssued(signed, files, entitlement)
    say(`signed the key of ${name}`, 'good')
  })
}
