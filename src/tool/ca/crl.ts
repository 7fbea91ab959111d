/** `portcullis ca crl`: writes the CRLs anew from the ledger, for a timer such as cron. */
import type { Command } from 'commander'
import { type PublishedCrl, publishCrl } from '../../provision/crl-file.ts'
import { addExitCodes } from '../help.ts'
import { say } from '../io.ts'
import { crlText } from './crl-text.ts'
import { addSigningOptions, parseDays, type SigningOptions, withCa } from './open.ts'

interface CrlOptions extends SigningOptions {
  readonly days: number
}

/** Until when a next CRL must be there, where nothing else is said. */
export const defaultCrlDays = 30

export function addCaCrl(ca: Command): void {
  addExitCodes(
    addSigningOptions(ca.command('crl').description('write the CRLs anew from the ledger (for a timer, such as cron)'))
      .option('--days <n>', 'until when the next one must be there', parseDays, defaultCrlDays)
      .action(crl),
    'portcullis ca crl --days 30 --passphrase-file secret.txt',
  )
}

async function crl(options: CrlOptions): Promise<void> {
  await withCa(options, async ca => sayCrl(await publishCrl(ca, options.days)))
}

export function sayCrl(published: readonly PublishedCrl[]): void {
  for (const one of published) say(crlText(one))
}
