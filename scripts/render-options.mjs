/** The options of a command as a table for the documentation, between the marks where it stands in a page. */

const marks = /(<!-- options of `policy test`[^\n]*-->\n)(?:.*?\n)?(<!-- end of options -->)/s

/** @param {string} page @param {import('commander').Command} command @returns {string} the page with the table of today */
export function withOptions(page, command) {
  if (!marks.test(page)) throw new Error('the page has no place for the options')
  const rows = command.options.map(({ flags, description }) => [`\`${flags}\``, description])
  const lines = [['option', 'what it does'], ...rows]
  const width = column => Math.max(...lines.map(row => row[column].length))
  const line = row => `| ${row.map((cell, column) => cell.padEnd(width(column))).join(' | ')} |\n`
  const rule = `| ${[0, 1].map(column => '-'.repeat(width(column))).join(' | ')} |\n`
  const table = `\n${line(lines[0])}${rule}${rows.map(line).join('')}\n`
  return page.replace(marks, (_, before, after) => `${before}${table}${after}`)
}
