/** A table as lines with columns of equal width, the last one as wide as it comes. What may be hostile is escaped before: that makes it longer. */
export function tableLines(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const table = [heads, ...rows]
  const widths = heads.map((_, column) => table.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0))
  return table.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
