/** `portcullis policy bundle`: signs a policy folder into one file for gates without the repository, and shows what such a file holds. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isVersion } from '../source/bundle-content.ts'
import { type BundleAlgorithm, bundleAlgorithms } from '../source/bundle-key.ts'
import { makeKeyFiles } from './bundle/make-key-files.ts'
import { showBundle } from './bundle/show-bundle.ts'
import { signFolder } from './bundle/sign-folder.ts'
import { parseDays } from './ca/open.ts'
import { addExitCodes } from './help.ts'

interface BundleOptions {
  readonly sign?: string
  readonly verify?: string
  readonly newKey?: string
  readonly key?: string
  readonly algorithm: BundleAlgorithm
  readonly out: string
  readonly version?: number
  readonly days?: number
  readonly config?: string
  readonly json?: boolean
}

export function addPolicyBundle(policy: Command): void {
  const command = policy
    .command('bundle')
    .description('sign a policy folder into one file for gates without the repository, or show such a file')
    .argument('[dir]', 'the policy folder', 'policies')
    .option('--sign <key>', 'sign the folder with this private key (PEM); every test and claim must hold')
    .option('--out <file>', 'with --sign: the bundle', 'policies.bundle')
    .option(
      '--version <n>',
      'with --sign: its version, such as the number of the CI run (default: one above the bundle at --out)',
      parseVersion,
    )
    .option('--days <n>', 'with --sign: how long gates may take it (default: for ever)', parseDays)
    .option('--config <file>', 'with --sign: the configuration whose issuer names the policies may use')
    .option('--verify <file>', 'show what a bundle holds, once its signature is verified')
    .option('--key <file>', 'with --verify: the public key (PEM)')
    .option('--new-key <file>', 'make a key pair: FILE, and the public half beside it')
    .addOption(
      new Option('--algorithm <name>', 'with --new-key: what it signs with')
        .choices(bundleAlgorithms)
        .default('Ed25519'),
    )
    .option('--json', 'answer as JSON')
  command.action((folder: string, options: BundleOptions) => bundle(folder, options, command))
  addExitCodes(command, 'portcullis policy bundle --sign bundle.pem --version "$GITHUB_RUN_NUMBER" policies')
}

function parseVersion(text: string): number {
  const version = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN
  if (isVersion(version)) return version
  throw new InvalidArgumentError('Write a whole number from 1 to 9007199254740991.')
}

async function bundle(folder: string, options: BundleOptions, command: Command): Promise<void> {
  const { sign, verify, newKey, key, json = false } = options
  const chosen = [sign, verify, newKey].filter(one => one !== undefined)
  if (chosen.length !== 1) command.error('error: give one of --sign, --verify and --new-key')
  if ((verify === undefined) !== (key === undefined)) command.error('error: --verify and --key go together')
  if (newKey !== undefined) await makeKeyFiles(newKey, options.algorithm)
  else if (verify !== undefined && key !== undefined) await showBundle(verify, key, json)
  else if (sign !== undefined) await signFolder(folder, { ...options, sign, json })
}
