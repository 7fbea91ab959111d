/** How commands name an authority and open it: `--ca`, its passphrase, and who is at work. */
import { hostname, userInfo } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import { type CaFolder, isKeyEncrypted, type OpenCa, openCa, openCaLedger, readCa } from '../../provision/ca-folder.ts'
import type { Ledger, LedgerOptions } from '../../provision/ledger.ts'
import { askPassphrase, type PassphraseOptions } from './passphrase.ts'
import { sweepLeftovers } from './sweep-leftovers.ts'

export interface CaOptions {
  readonly ca: string
}

export interface SigningOptions extends CaOptions, PassphraseOptions {}

export function addCaOption(command: Command): Command {
  return command.option('--ca <dir>', 'the folder of the authority', 'ca')
}

/** For commands that sign. */
export function addSigningOptions(command: Command): Command {
  return addCaOption(command).option(
    '--passphrase-file <file>',
    'first line: the passphrase (or PORTCULLIS_CA_PASSPHRASE, or typed)',
  )
}

/** Clock and name for the ledger. */
export function ledgerOptions(): LedgerOptions {
  return { now: () => new Date(), by: `${userName()}@${hostname()}` }
}

/** A user id without an entry in the list of users has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}

/** Opens the authority for signing, lets `use` work with it and with its passphrase, and closes its ledger. */
export async function withCa<T>(
  options: SigningOptions,
  use: (ca: OpenCa, passphrase: string | undefined) => Promise<T>,
  ledger: LedgerOptions = ledgerOptions(),
): Promise<T> {
  const encrypted = await isKeyEncrypted(await readCa(options.ca))
  const passphrase = encrypted ? await askPassphrase(options) : undefined
  const ca = await openCa(options.ca, passphrase, ledger)
  try {
    await sweepLeftovers(ca.folder)
    return await use(ca, passphrase)
  } finally {
    ca.ledger.close()
  }
}

/** Reads the authority and opens its ledger, without its keys, lets `use` work with both, and closes the ledger. */
export async function withLedger<T>(options: CaOptions, use: (ca: CaFolder, ledger: Ledger) => Promise<T>): Promise<T> {
  const ca = await readCa(options.ca)
  const ledger = openCaLedger(ca, ledgerOptions())
  try {
    return await use(ca, ledger)
  } finally {
    ledger.close()
  }
}

/** Days, as a number of an option. */
export function parseDays(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number of days from 1 to 99999.')
}
