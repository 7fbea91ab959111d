/** `portcullis device list`: the certificates of the ledger; with `--expiring` those that end soon, as exit code 2. */
import type { Command } from 'commander'
import { overlapsOf } from '../../provision/overlap.ts'
import { addCaOption, type CaOptions, withLedger } from '../ca/open.ts'
import { exitCodes } from '../exit-codes.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson, count, say } from '../io.ts'
import { addRecordFilter, isWanted, type RecordFilter } from './record-filter.ts'
import { recordJson, recordLines } from './record-text.ts'

interface ListOptions extends CaOptions, RecordFilter {
  readonly olderCa?: boolean
  readonly json?: boolean
}

export function addDeviceList(device: Command): void {
  addExitCodes(
    addRecordFilter(
      addCaOption(device.command('list').description('list the certificates of the ledger')),
      'only issued ones that end within so many days, 30d; exit code 2 where there are any',
    )
      .option('--older-ca', 'only those in use that an issuing CA signed which a rotation left behind')
      .option('--json', 'answer as JSON')
      .action(list),
    'portcullis device list --expiring 30d',
  )
}

async function list(options: ListOptions): Promise<void> {
  await withLedger(options, async (ca, ledger) => {
    const nowMs = Date.now()
    const all = ledger.all()
    const older = overlapsOf(ca, all, new Date(nowMs)).flatMap(({ devices, servers }) => [...devices, ...servers])
    const found = (options.olderCa ? older : all).filter(record => isWanted(record, options, nowMs))
    if (options.json) answerJson(found.map(record => recordJson(record, nowMs)))
    else if (found.length > 0) for (const line of recordLines(found, nowMs)) answer(line)
    say(count(found.length, 'certificate'), 'faint')
    if (options.expiring !== undefined && found.length > 0) process.exitCode = exitCodes.no
  })
}
