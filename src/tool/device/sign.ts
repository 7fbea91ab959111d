/** `portcullis device sign NAME --csr FILE`: a certificate for a key that stays on the device. */
import type { Command } from 'commander'
import { addExitCodes } from '../help.ts'
import { issueNamed } from './issue-named.ts'
import { addIdentityOptions, addIssueOptions, type IdentityOptions, type IssueCommandOptions } from './issue-options.ts'
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
  await issueNamed(name, options, () => ({ publicKey, keyPem: undefined }), `signed the key of ${name}`)
}
