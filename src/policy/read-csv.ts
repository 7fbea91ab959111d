/**
 * A CSV table: UTF-8, a header, `,` between cells, `;` inside list cells. Every mistake has its line. Pure.
 * The parser is its build for browsers: the other one needs `Buffer`, and policies are also read where there is none.
 */
import { CsvError, parse } from 'csv-parse/browser/esm/sync'
import type { Where } from '../problem.ts'
import type { Report } from './report.ts'

export interface CsvTable {
  readonly header: readonly string[]
  readonly rows: readonly { readonly cells: readonly string[]; readonly where: Where }[]
}

interface Line {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** The table, or undefined where it cannot be read (reported). Rows that are ragged are left out. */
export function readCsv(text: string, file: string, report: Report): CsvTable | undefined {
  const lines = parseLines(text, file, report)
  const [head, ...body] = lines ?? []
  if (lines === undefined) return undefined
  if (head === undefined) {
    report.add('policy/csv', 'the table is empty', { file, line: 1 }, 'begin with a line of column names')
    return undefined
  }
  if (!isHeader(head.record, { file, line: head.info.lines }, report)) return undefined
  const rows = body.flatMap(line => {
    const where = { file, line: line.info.lines }
    if (line.record.length === head.record.length) return [{ cells: line.record, where }]
    report.add(
      'policy/csv',
      `the row has ${line.record.length} cells, the header ${head.record.length}`,
      where,
      'separate cells by `,` and entries of a list cell by `;`',
    )
    return []
  })
  return { header: head.record, rows }
}

function parseLines(text: string, file: string, report: Report): readonly Line[] | undefined {
  if (text.includes('\uFFFD')) {
    const line = text.slice(0, text.indexOf('\uFFFD')).split('\n').length
    report.add('policy/not-text', 'the table is not UTF-8', { file, line }, 'save it as CSV UTF-8')
    return undefined
  }
  try {
    return parse(text, {
      info: true,
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      record_delimiter: ['\r\n', '\n'],
    }) as unknown as readonly Line[]
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = Number(error['lines'] ?? 1)
    report.add(
      'policy/csv',
      `not a CSV table: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1).split('\n')[0]}`,
      { file, line },
      'a cell that holds `"` is quoted, and the `"` in it doubled',
    )
    return undefined
  }
}

function isHeader(header: readonly string[], where: Where, report: Report): boolean {
  const before = report.size
  if (header.length === 1 && /[;\t]/.test(header[0] ?? '')) {
    report.add(
      'policy/csv-delimiter',
      'the cells are separated by `;` or tabs',
      where,
      'save the table with `,` between cells; `;` separates the entries of a list cell',
    )
    return false
  }
  header.forEach((column, index) => {
    if (header.indexOf(column) < index)
      report.add('policy/csv', `the column \`${column}\` stands twice in the header`, where, 'rename or delete one')
    else if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(column))
      report.add(
        'policy/bad-value',
        `\`${column}\` is not a name of a column`,
        where,
        'a column begins with a letter and has letters, digits and `_`',
      )
  })
  return report.size === before
}
