/** `members:` of a policy set: tables, in the policy or in CSV files, of what single clients have besides. Pure. */
import type { Where } from '../problem.ts'
import { Names } from './names.ts'
import { didYouMean } from './nearest-name.ts'
import type { Node, Text } from './node.ts'
import { readCsv } from './read-csv.ts'
import type { Report } from './report.ts'
import {
  type JsonSchema,
  list,
  matching,
  name,
  node,
  object,
  optional,
  record,
  required,
  scalarTypes,
  text,
  variableName,
} from './shape.ts'

/** One cell: a text, or the entries of a list column. */
export interface Cell {
  readonly where: Where
  readonly value: string | readonly string[]
}

export interface RowDraft {
  readonly where: Where
  readonly cells: ReadonlyMap<string, Cell>
}

/** A table as far as it could be read; `rows` is undefined where it is broken as a whole. */
export interface TableDraft {
  readonly name: string
  readonly where: Where
  readonly of: Text | undefined
  readonly by: readonly Text[] | undefined
  readonly file: Text | undefined
  /** Columns besides `roles` and `refused`, and whether they are lists. */
  readonly columns: ReadonlyMap<string, 'one' | 'list'>
  readonly rows: readonly RowDraft[] | undefined
}

/** A CSV file of the set. */
export interface CsvFile {
  readonly text: string
  /** Its name with the folder, for people. */
  readonly file: string
}

const cell = text('a text')
const cellList = list(cell, 'a list')
const rowSchema: JsonSchema = {
  type: 'object',
  properties: { roles: { type: 'array', items: { type: 'string' } }, refused: { type: scalarTypes, minLength: 1 } },
  additionalProperties: { anyOf: [cell.schema, cellList.schema] },
}

const table = object('a table of members', {
  of: required(name('a name of an identity'), 'the identity whose members these are'),
  by: required(
    list(variableName, 'a list of captures', 1),
    'the columns that name a member: all captures of the identity, or all of its `unique`',
  ),
  lists: optional(
    list(variableName, 'a list of columns'),
    'columns that hold several values (`;` between them in CSV); `roles` is one anyway',
  ),
  file: optional(
    matching(
      'a name of a CSV file in this folder',
      /^[A-Za-z0-9_][A-Za-z0-9._ -]*\.csv$/,
      'name a file of this folder that ends in .csv',
    ),
    'a CSV file of this folder',
  ),
  rows: optional(list(node(rowSchema), 'a list of rows'), 'the rows, written here'),
})
const members = record(name('a name of a table'), table, 'a map of tables')

export const membersSchema: JsonSchema = members.schema

type GivenTable = NonNullable<ReturnType<typeof table.read>>

/** The tables of all files. */
export function readMembers(
  sections: readonly Node[],
  csvFiles: ReadonlyMap<string, CsvFile>,
  report: Report,
): Names<TableDraft> {
  const names = new Names<TableDraft>('table', report)
  for (const section of sections) {
    const entries = members.read(section, report)
    if (entries === undefined) report.unread('members')
    for (const { key, value } of entries ?? []) {
      if (value === undefined) report.unread('members')
      names.define(key, value === undefined ? undefined : readTable(key, value, csvFiles, report))
    }
  }
  return names
}

function readTable(key: Text, given: GivenTable, csvFiles: ReadonlyMap<string, CsvFile>, report: Report): TableDraft {
  const { value, has, at } = given
  if (has('file') === has('rows') && !given.misspelt) {
    const sentence = has('file')
      ? `the table \`${key.text}\` has both \`file\` and \`rows\``
      : `the table \`${key.text}\` lacks \`file\` or \`rows\``
    report.add(
      has('file') ? 'policy/two-sources' : 'policy/missing-key',
      sentence,
      has('file') ? at('rows') : key.where,
      'a table has either a CSV file or rows written here',
    )
  }
  const lists = new Set(['roles', ...(value.lists ?? []).map(one => one.text)])
  const readable = !(has('lists') && value.lists === undefined)
  const source =
    value.file === undefined ? readRows(value.rows, lists, report) : readCsvRows(value.file, lists, csvFiles, report)
  if (source === undefined) report.unread('columns')
  else checkColumns(given, source, report)
  return {
    name: key.text,
    where: key.where,
    of: value.of,
    by: value.by,
    file: value.file,
    columns: new Map(
      [...(source?.columns ?? [])]
        .filter(column => column !== 'roles' && column !== 'refused')
        .map(column => [column, lists.has(column) ? 'list' : 'one']),
    ),
    rows: readable ? source?.rows : undefined,
  }
}

interface Source {
  readonly columns: ReadonlySet<string>
  readonly rows: readonly RowDraft[]
}

function readCsvRows(
  file: Text,
  lists: ReadonlySet<string>,
  csvFiles: ReadonlyMap<string, CsvFile>,
  report: Report,
): Source | undefined {
  const csv = csvFiles.get(file.text)
  if (csv === undefined) {
    report.add(
      'policy/csv-missing',
      `there is no file \`${file.text}\` in this folder`,
      file.where,
      didYouMean(file.text, csvFiles.keys(), 'CSV file'),
    )
    return undefined
  }
  const read = readCsv(csv.text, csv.file, report)
  if (read === undefined) return undefined
  const rows = read.rows.map(({ cells, where }) => ({
    where,
    cells: new Map(
      read.header.map((column, index) => [column, { where, value: split(cells[index] ?? '', lists.has(column)) }]),
    ),
  }))
  return { columns: new Set(read.header), rows }
}

function split(text: string, isList: boolean): string | readonly string[] {
  if (!isList) return text
  return text === '' ? [] : text.split(';')
}

function readRows(nodes: readonly Node[] | undefined, lists: ReadonlySet<string>, report: Report): Source | undefined {
  if (nodes === undefined) return undefined
  const rows = nodes.flatMap(one => readRow(one, lists, report) ?? [])
  const columns = new Set([
    ...rows.flatMap(row => [...row.cells.keys()]),
    ...[...lists].filter(column => column !== 'roles'),
  ])
  return { columns, rows }
}

function readRow(given: Node, lists: ReadonlySet<string>, report: Report): RowDraft | undefined {
  const entries = row.read(given, report)
  if (entries === undefined) return undefined
  const cells = new Map<string, Cell>()
  for (const { key, value } of entries) {
    if (value === undefined) continue
    if (lists.has(key.text)) {
      const read = cellList.read(value, report)
      if (read !== undefined) cells.set(key.text, { where: key.where, value: read.map(one => one.text) })
    } else {
      const read = value.kind === 'list' ? notAList(key, report) : cell.read(value, report)
      if (read !== undefined) cells.set(key.text, { where: key.where, value: read.text })
    }
  }
  return { where: given.where, cells }
}

const row = record(
  matching(
    'a name of a column',
    /^[A-Za-z][A-Za-z0-9_]{0,63}$/,
    'a column begins with a letter and has letters, digits and `_`',
  ),
  node({}),
  'a row: a map of columns',
)

function notAList(key: Text, report: Report): undefined {
  report.add(
    'policy/wrong-shape',
    `the column \`${key.text}\` is not a list`,
    key.where,
    `name it in \`lists: [${key.text}]\` of the table`,
  )
  return undefined
}

/** Columns that the table itself names must be there. */
function checkColumns(given: GivenTable, source: Source, report: Report): void {
  if (source.rows.length === 0 && given.value.file === undefined) return
  for (const column of [...(given.value.by ?? []), ...(given.value.lists ?? [])]) {
    if (source.columns.has(column.text)) continue
    report.add(
      'policy/unknown-column',
      `the table has no column \`${column.text}\``,
      column.where,
      `columns: ${[...source.columns].join(', ')}`,
    )
  }
  for (const column of given.value.by ?? []) {
    const isList = given.value.lists?.some(one => one.text === column.text) === true
    if (isList || column.text === 'roles' || column.text === 'refused')
      report.add(
        'policy/reserved-name',
        `\`${column.text}\` cannot both name a member and be a list or a reserved column`,
        column.where,
        'choose another column',
      )
  }
}
