/** `portcullis ca crl`: writes the CRLs anew from the ledger, once for a timer such as cron, or itself at every interval. */
import { type Command, InvalidArgumentError } from 'commander'
import { type PublishedCrl, publishCrl } from '../../provision/crl-file.ts'
import { addExitCodes } from '../help.ts'
import { say } from '../io.ts'
import { crlText } from './crl-text.ts'
import { keepCrl } from './keep-crl.ts'
import { addSigningOptions, parseDays, type SigningOptions, withCa } from './open.ts'

interface CrlOptions extends SigningOptions {
  readonly days: number
  /** Milliseconds. */
  readonly every?: number
}

/** Until when a next CRL must be there, where nothing else is said. */
export const defaultCrlDays = 30

const dayMs = 86_400_000
const unitsMs = { s: 1000, m: 60_000, h: 3_600_000, d: dayMs } as const

export function addCaCrl(ca: Command): void {
  const command = addSigningOptions(ca.command('crl').description('write the CRLs anew from the ledger'))
  addExitCodes(
    command
      .option('--days <n>', 'until when the next one must be there', parseDays, defaultCrlDays)
      .option(
        '--every <time>',
        'stay, and write at every interval, such as 12h, and when the ledger changed',
        parseEvery,
      )
      .action((options: CrlOptions) => {
        if (options.every !== undefined && options.every * 2 > options.days * dayMs) {
          command.error('error: --every is more than half of --days: one late writing would leave no valid CRL')
        }
        return crl(options)
      }),
    'portcullis ca crl --every 12h --days 7 --passphrase-file secret.txt',
  )
}

function parseEvery(text: string): number {
  const [, number, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? []
  const ms = Number(number) * (unitsMs[unit as keyof typeof unitsMs] ?? Number.NaN)
  if (ms >= 1000 && ms <= 366 * dayMs) return ms
  throw new InvalidArgumentError('Write a time from 1s to 366d, such as 30m or 12h.')
}

async function crl(options: CrlOptions): Promise<void> {
  if (options.every !== undefined) return keepCrl(options, options.every, options.days)
  await withCa(options, async ca => sayCrl(await publishCrl(ca, options.days)))
}

export function sayCrl(published: readonly PublishedCrl[]): void {
  for (const one of published) say(crlText(one))
}
