/** `portcullis device export`: the certificates of the ledger for another program, as CSV or JSON, one a line, and as files. */
import type { Command } from 'commander'
import { escapeCsv } from '../../observe/escape-csv.ts'
import { addCaOption, type CaOptions, withLedger } from '../ca/open.ts'
import { exitCodes } from '../exit-codes.ts'
import { addExitCodes } from '../help.ts'
import { answer, count, say, sayProblems } from '../io.ts'
import { writeCertificates } from './certificate-export.ts'
import { type ExportRow, exportColumns, exportRow } from './export-row.ts'
import { addRecordFilter, isWanted, type RecordFilter } from './record-filter.ts'

interface ExportOptions extends CaOptions, RecordFilter {
  readonly json?: boolean
  readonly certificates?: string
}

export function addDeviceExport(device: Command): void {
  addExitCodes(
    addRecordFilter(
      addCaOption(
        device
          .command('export')
          .description('write the certificates of the ledger as CSV, for a spreadsheet or an inventory'),
      ),
      'only issued ones that end within so many days, 30d',
    )
      .option('--json', 'JSON instead of CSV, one object a line')
      .option('--certificates <dir>', 'write each certificate to DIR/NAME-SERIAL.pem too; nothing is overwritten')
      .action(exportRecords),
    'portcullis device export --state issued > devices.csv',
  )
}

async function exportRecords(options: ExportOptions): Promise<void> {
  const { certificates, json = false } = options
  await withLedger(options, async (_, ledger) => {
    const nowMs = Date.now()
    const found = ledger.all().filter(record => isWanted(record, options, nowMs))
    if (certificates !== undefined) {
      const written = await writeCertificates(certificates, found)
      if (!written.ok) {
        sayProblems([written.problem])
        process.exitCode = exitCodes.failed
        return
      }
      say(`wrote ${count(written.value, 'file')}`)
    }
    const rows = found.map(record => exportRow(record, nowMs))
    if (json) for (const row of rows) answer(JSON.stringify(row))
    else for (const line of csvLines(rows)) answer(line)
    say(count(found.length, 'certificate'), 'faint')
  })
}

function csvLines(rows: readonly ExportRow[]): readonly string[] {
  const cells = rows.map(row =>
    exportColumns.map(column => {
      const value = row[column]
      return escapeCsv(Array.isArray(value) ? value.join(' ') : String(value ?? ''))
    }),
  )
  return [exportColumns.map(escapeCsv), ...cells].map(line => line.join(','))
}
