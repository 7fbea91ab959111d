/** `portcullis ca crl`: writes the CRL anew from the ledger, for a timer such as cron. */
import type { Command } from 'commander'
import type { OpenCa } from '../../provision/ca-folder.ts'
import { type PublishedCrl, publishCrl } from '../../provision/crl-file.ts'
import { addExitCodes } from '../help.ts'
import { count, say } from '../io.ts'
import { dayText, shownPath } from './ca-text.ts'
import { addSigningOptions, parseDays, type SigningOptions, withCa } from './open.ts'

interface CrlOptions extends SigningOptions {
  readonly days: number
}

/** Until when a next CRL must be there, where nothing else is said. */
export const defaultCrlDays = 30

export function addCaCrl(ca: Command): void {
  addExitCodes(
    addSigningOptions(ca.command('crl').description('write the CRL anew from the ledger (for a timer, such as cron)'))
      .option('--days <n>', 'until when the next one must be there', parseDays, defaultCrlDays)
      .action(crl),
    'portcullis ca crl --days 30 --passphrase-file secret.txt',
  )
}

async function crl(options: CrlOptions): Promise<void> {
  await withCa(options, async ca => sayCrl(ca, await publishCrl(ca, options.days)))
}

export function sayCrl({ crlFile }: OpenCa, published: PublishedCrl | undefined): void {
  if (published === undefined) say(`${shownPath(crlFile)} was written by another command meanwhile`)
  else {
    const { number, entries, nextUpdate } = published
    say(
      `wrote ${shownPath(crlFile)}: number ${number}, ${count(entries, 'certificate')}, the next by ${dayText(nextUpdate)}`,
    )
  }
}
