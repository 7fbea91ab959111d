/** `portcullis ca show`: the certificates of an authority, its CRLs, and how many certificates are in which state. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type Crl, parseCrlFile } from '../../accept/crl.ts'
import type { CaFolder } from '../../provision/ca-folder.ts'
import { generationsIn, type IssuingCa, retiredFolder } from '../../provision/issuing-cas.ts'
import type { LedgerRecord, LedgerState } from '../../provision/ledger-record.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson, count } from '../io.ts'
import { certificateJson, certificateLine, dayText } from './ca-text.ts'
import { addCaOption, type CaOptions, withLedger } from './open.ts'

interface ShowOptions extends CaOptions {
  readonly json?: boolean
}

export function addCaShow(ca: Command): void {
  addExitCodes(
    addCaOption(ca.command('show').description('show the certificates, the CRLs and the ledger of an authority'))
      .option('--json', 'answer as JSON')
      .action(show),
    'portcullis ca show --json',
  )
}

const states: readonly LedgerState[] = ['reserved', 'issued', 'superseded', 'revoked']

type Counts = Readonly<Record<string, number>>

/** One issuing CA and what is out in its name. */
interface Standing {
  readonly ca: IssuingCa
  readonly signs: boolean
  /** Undefined where there is none, or none that can be read. */
  readonly crl: Crl | undefined
  readonly counts: Counts
}

interface Shown {
  readonly all: readonly Standing[]
  readonly counts: Counts
  /** Generations. */
  readonly waiting: readonly number[]
  readonly retired: readonly number[]
}

function show(options: ShowOptions): Promise<void> {
  return withLedger(options, async (ca, ledger) => {
    const shown = await look(ca, ledger.all())
    if (options.json) answerJson(shownJson(ca, shown))
    else tell(ca, shown)
  })
}

async function look(ca: CaFolder, records: readonly LedgerRecord[]): Promise<Shown> {
  const all: Standing[] = []
  for (const one of ca.issuingCas) {
    const own = records.filter(({ issuerKeyId }) => issuerKeyId === one.issuerKeyId)
    all.push({
      ca: one,
      signs: one.issuerKeyId === ca.issuerKeyId,
      crl: await readCrl(one.crlFile),
      counts: countOf(own),
    })
  }
  const retired = await generationsIn(join(ca.folder, retiredFolder))
  const latest = Math.max(0, ...retired, ...ca.issuingCas.map(({ generation }) => generation))
  const waiting = (await generationsIn(ca.folder, 'key')).filter(generation => generation > latest)
  return { all, counts: countOf(records), waiting, retired }
}

function countOf(records: readonly LedgerRecord[]): Counts {
  return Object.fromEntries(states.map(state => [state, records.filter(one => one.state === state).length]))
}

async function readCrl(file: string): Promise<Crl | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const parsed = bytes && parseCrlFile(bytes)
  return parsed?.ok ? parsed.value[0] : undefined
}

/** `issuing` and `crl` are those of the issuing CA that signs. */
function shownJson(ca: CaFolder, { all, counts, waiting, retired }: Shown): unknown {
  const generations = all.map(one => ({
    generation: one.ca.generation,
    signs: one.signs,
    issuing: certificateJson(one.ca.certificate),
    crl: crlJson(one),
    certificates: one.counts,
  }))
  const { issuing, crl } = generations.at(-1) ?? {}
  return {
    name: ca.name,
    root: certificateJson(ca.root),
    issuing,
    crl,
    certificates: counts,
    generations,
    waiting,
    retired,
  }
}

function crlJson({ ca: { crlFile }, crl }: Standing): unknown {
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

function tell(ca: CaFolder, { all, counts, waiting, retired }: Shown): void {
  answer(certificateLine('root   ', ca.root))
  for (const one of all) {
    answer(certificateLine('issuing', one.ca.certificate))
    tellCrl(one)
    if (all.length > 1)
      answer(`         ${one.signs ? 'signs' : 'signs no more, but its CRL'}: ${countsText(one.counts)}`)
  }
  answer(`ledger   ${countsText(counts)}`)
  if (waiting.length > 0)
    answer('waiting  the key of the next issuing CA waits for its certificate: portcullis ca rotate')
  if (retired.length > 0) answer(`retired  ${count(retired.length, 'issuing CA')}`)
}

function tellCrl({ crl }: Standing): void {
  if (crl === undefined) {
    answer('crl      none that can be read: portcullis ca crl', 'bad')
    return
  }
  const isStale = crl.nextUpdate < Date.now()
  const text = `crl      number ${crl.number}  ${crl.entries.size} revoked  next until ${dayText(crl.nextUpdate)}`
  answer(isStale ? `${text}, which is over: portcullis ca crl` : text, isStale ? 'bad' : 'plain')
}

function countsText(counts: Counts): string {
  return Object.entries(counts)
    .map(([state, number]) => `${number} ${state}`)
    .join(', ')
}
