/** Escaper of CSV: a cell is text to a spreadsheet, whatever it begins with, and stays one cell (docs/semantics.md 5.4). */
import { escapeControls } from '../policy/quote.ts'

/**
 * Where a formula could begin: at the start of a cell, or behind what a spreadsheet of another country takes for a separator,
 * blanks and quotes aside. The wide forms of the signs count as the signs do.
 */
const formula = /(^|[,;|])(?=[\s"\u3000]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g

/**
 * One cell of RFC 4180, always in quotes. Before what could be a formula stands an apostrophe, which a spreadsheet takes for
 * "this is text"; what controls or reorders is written out as elsewhere, so that a cell is always part of one line.
 * @example escapeCsv('=1+1') // `"'=1+1"`
 */
export function escapeCsv(cell: string): string {
  return `"${escapeControls(cell).replace(formula, "$1'").replaceAll('"', '""')}"`
}
