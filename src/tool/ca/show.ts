/** `portcullis ca show`: the certificates of an authority, its CRL, and how many certificates are in which state. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { type Crl, parseCrlFile } from '../../accept/crl.ts'
import { type CaFolder, openCaLedger, readCa } from '../../provision/ca-folder.ts'
import type { LedgerState } from '../../provision/ledger-record.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson } from '../io.ts'
import { caLines, certificateJson, dayText } from './ca-text.ts'
import { addCaOption, type CaOptions, ledgerOptions } from './open.ts'

interface ShowOptions extends CaOptions {
  readonly json?: boolean
}

export function addCaShow(ca: Command): void {
  addExitCodes(
    addCaOption(ca.command('show').description('show the certificates, the CRL and the ledger of an authority'))
      .option('--json', 'answer as JSON')
      .action(show),
    'portcullis ca show --json',
  )
}

const states: readonly LedgerState[] = ['reserved', 'issued', 'superseded', 'revoked']

async function show(options: ShowOptions): Promise<void> {
  const ca = await readCa(options.ca)
  const crl = await readCrl(ca.crlFile)
  const counts = countStates(ca)
  if (options.json)
    answerJson({
      name: ca.name,
      root: certificateJson(ca.root),
      issuing: certificateJson(ca.issuing),
      crl: crlJson(ca, crl),
      certificates: counts,
    })
  else tell(ca, crl, counts)
}

function countStates(ca: CaFolder): Readonly<Record<string, number>> {
  const ledger = openCaLedger(ca, ledgerOptions())
  try {
    const all = ledger.all()
    return Object.fromEntries(states.map(state => [state, all.filter(one => one.state === state).length]))
  } finally {
    ledger.close()
  }
}

/** Undefined where there is none, or none that can be read. */
async function readCrl(file: string): Promise<Crl | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const parsed = bytes && parseCrlFile(bytes)
  return parsed?.ok ? parsed.value[0] : undefined
}

function crlJson({ crlFile }: CaFolder, crl: Crl | undefined): unknown {
  if (crl === undefined) return null
  const { number, thisUpdate, nextUpdate, entries } = crl
  return {
    file: crlFile,
    number: Number(number),
    thisUpdate: new Date(thisUpdate).toISOString(),
    nextUpdate: new Date(nextUpdate).toISOString(),
    entries: entries.size,
  }
}

function tell(ca: CaFolder, crl: Crl | undefined, counts: Readonly<Record<string, number>>): void {
  for (const line of caLines(ca)) answer(line)
  if (crl === undefined) answer(`crl      none that can be read: portcullis ca crl`, 'bad')
  else {
    const isStale = crl.nextUpdate < Date.now()
    const text = `crl      number ${crl.number}  ${crl.entries.size} revoked  next until ${dayText(crl.nextUpdate)}`
    answer(isStale ? `${text}, which is over: portcullis ca crl` : text, isStale ? 'bad' : 'plain')
  }
  answer(
    `ledger   ${Object.entries(counts)
      .map(([state, number]) => `${number} ${state}`)
      .join(', ')}`,
  )
}
