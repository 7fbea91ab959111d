/** `portcullis ca create`: a root and an issuing CA, their ledger and an empty CRL, in a new folder. */
import { relative } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { createCa, isCaName } from '../../provision/ca-folder.ts'
import { type KeyType, keyTypes } from '../../provision/keys.ts'
import { addExitCodes } from '../help.ts'
import { answer, say } from '../io.ts'
import { certificateLine, issuersBlock } from './ca-text.ts'
import { addSigningOptions, ledgerOptions, parseDays, type SigningOptions } from './open.ts'
import { choosePassphrase } from './passphrase.ts'
import { sweepHalfMade } from './sweep-leftovers.ts'

interface CreateOptions extends SigningOptions {
  readonly name: string
  readonly key: KeyType
  /** False with `--no-passphrase`. */
  readonly passphrase: boolean
  readonly rootDays: number
  readonly issuingDays: number
  readonly crlDays: number
}

export function addCaCreate(ca: Command): void {
  addExitCodes(
    addSigningOptions(
      ca.command('create').description('make a root and an issuing CA, their ledger and an empty CRL, in a new folder'),
    )
      .option(
        '--name <name>',
        'organisation in the certificates, and name of the issuer and the CRL',
        parseName,
        'acme',
      )
      .addOption(new Option('--key <type>', 'type of both keys').choices(keyTypes).default('p256'))
      .option('--no-passphrase', 'do not encrypt the keys')
      .option('--root-days <n>', 'validity of the root', parseDays, 7300)
      .option('--issuing-days <n>', 'validity of the issuing CA', parseDays, 3650)
      .option('--crl-days <n>', 'until when the next CRL must be there', parseDays, 30)
      .action(create),
    'portcullis ca create --name acme --passphrase-file secret.txt',
  )
}

function parseName(text: string): string {
  if (isCaName(text)) return text
  throw new InvalidArgumentError('Write letters, digits, _ and -, beginning with a letter, at most 32.')
}

async function create(options: CreateOptions): Promise<void> {
  const { name, key: keyType, rootDays, issuingDays, crlDays } = options
  const passphrase = options.passphrase ? await choosePassphrase(options) : undefined
  await sweepHalfMade(options.ca)
  const made = await createCa(
    options.ca,
    { name, keyType, passphrase, rootDays, issuingDays, crlDays },
    ledgerOptions(),
  )
  const shown = relative(process.cwd(), made.folder) || '.'
  answer(certificateLine('root   ', made.root))
  answer(certificateLine('issuing', made.issuing))
  answer('')
  for (const line of issuersBlock(made)) answer(line)
  say(
    `created ${shown}; move ${shown}/root.key to a place that is offline: only \`ca renew\` and \`ca rotate\` need it`,
    'good',
  )
  if (passphrase === undefined)
    say('the keys are not encrypted: whoever can read the folder can issue certificates', 'bad')
}
