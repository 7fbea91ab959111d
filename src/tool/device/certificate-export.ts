/** Certificates of the ledger as files with names that are safe on every system. */
import { type Problem, problem, type Result } from '../../problem.ts'
import { toPem } from '../../provision/keys.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { type Unwritten, writeNewFiles } from '../write-new-files.ts'

/** Writes one file (0644) for each record that was signed, or none; says how many. Makes the folder. */
export async function writeCertificates(folder: string, records: readonly LedgerRecord[]): Promise<Result<number>> {
  const files = records.flatMap(record =>
    record.der === undefined ? [] : [{ path: certificateFileName(record), text: toPem('CERTIFICATE', record.der) }],
  )
  const unwritten = await writeNewFiles(folder, files)
  return unwritten === undefined ? { ok: true, value: files.length } : { ok: false, problem: reason(unwritten) }
}

/**
 * What the ledger says is made fit for a file: it cannot leave the folder, hide, be an option or, with the serial behind it, be
 * the name of another one.
 * @example certificateFileName({ name: 'site:7', serialHex: '62ab…' }) // 'site_7-62ab….pem'
 */
export function certificateFileName({ name, serialHex }: Pick<LedgerRecord, 'name' | 'serialHex'>): string {
  const safe = (text: string): string => text.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 64)
  return `${safe(name).replace(/^[.-]/, '_')}-${safe(serialHex)}.pem`
}

function reason({ file, code }: Unwritten): Problem {
  const where = { file }
  if (code === 'EEXIST') {
    const help = 'name another folder, or move the file away'
    return problem('provision/file-exists', 'the file is there already', { where, help })
  }
  return problem('tool/unwritable-file', `the file cannot be written (${code})`, { where })
}
