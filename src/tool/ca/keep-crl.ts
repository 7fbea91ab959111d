/** `portcullis ca crl --every`: stays in the foreground and keeps the CRLs fresh until it is told to end. */
import { join } from 'node:path'
import { PortcullisError } from '../../problem.ts'
import { isKeyEncrypted, openCa, readCa } from '../../provision/ca-folder.ts'
import { isCrlBehind } from '../../provision/crl-behind.ts'
import { publishCrl } from '../../provision/crl-file.ts'
import { CrlTimer } from '../../provision/crl-timer.ts'
import { watchFiles } from '../../source/watch-files.ts'
import { say } from '../io.ts'
import { crlText } from './crl-text.ts'
import { ledgerOptions, type SigningOptions, withLedger } from './open.ts'
import { askPassphrase } from './passphrase.ts'

/** Resolves once a signal has ended it, whatever was being written done. */
export async function keepCrl(options: SigningOptions, everyMs: number, days: number): Promise<void> {
  const ca = await readCa(options.ca)
  const passphrase = (await isKeyEncrypted(ca)) ? await askPassphrase(options) : undefined
  // a wrong passphrase or a damaged ledger ends it here, instead of failing at every interval
  const { ledger: tried } = await openCa(options.ca, passphrase, ledgerOptions())
  tried.close()
  const timer = new CrlTimer({
    everyMs,
    now: Date.now,
    timer: { set: setTimeout, clear: handle => clearTimeout(handle as NodeJS.Timeout) },
    write: () => writeOnce(options.ca, passphrase, days),
    isBehind: () => withLedger(options, (one, ledger) => isCrlBehind(one, ledger.all(), new Date())),
    tell: (line, tone) => say(`${new Date().toISOString()} ${line}`, tone),
    sentenceOf,
  })
  const watcher = await watchFiles([join(ca.folder, 'ledger.db')], () => void timer.changed())
  const ended = signalled()
  await timer.start()
  await ended
  await Promise.all([timer.stop(), watcher.close()])
}

/** Opened anew each time: a rotation adds an issuing CA, a renewal changes one, and nothing holds the ledger in between. */
async function writeOnce(folder: string, passphrase: string | undefined, days: number): Promise<string> {
  const ca = await openCa(folder, passphrase, ledgerOptions())
  try {
    return (await publishCrl(ca, days)).map(crlText).join('; ')
  } finally {
    ca.ledger.close()
  }
}

function signalled(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

function sentenceOf(error: unknown): string {
  if (error instanceof PortcullisError) return error.problems.map(one => `${one.sentence} (${one.code})`).join('; ')
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
