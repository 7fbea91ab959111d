/** The escaper of CSV: whatever a name holds, it is one cell of text to a parser and to a spreadsheet of any country. */
import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { escapeCsv } from '../../src/observe/escape-csv.ts'
import { everyName, expectClean, fleet, shown } from '../output-safety/fleet.ts'

test.each([
  ['pump-7', '"pump-7"'],
  ['', '""'],
  ['a "b"', '"a ""b"""'],
  ['a,b', '"a,b"'],
  ['device:site=s1,device=-2', '"device:site=s1,device=-2"'],
  ['=1+1', '"\'=1+1"'],
  ['-2', '"\'-2"'],
  [' +1', '"\' +1"'],
  ['"=1', '"\'""=1"'],
  ['\t@SUM(1)', '"\\u0009@SUM(1)"'],
  // a program that separates by semicolons takes a quote within a cell as it is
  ['x;=cmd|1', '"x;\'=cmd|1"'],
  ['x;\u3000-1', '"x;\'\u3000-1"'],
  ['\uff1d1', '"\'\uff1d1"'],
  ['a\r\nb', '"a\\u000d\\u000ab"'],
])('%j becomes %s', (cell, csv) => {
  expect(escapeCsv(cell)).toBe(csv)
})

describe('the hostile fleet', () => {
  const line = everyName.map(escapeCsv).join(',')

  test('is one clean line', () => {
    expectClean(line)
    expect(line).not.toContain('\n')
  })

  test('and as many cells as names, each readable', () => {
    const [row, ...more] = parse(line, { relax_column_count: true }) as readonly string[][]
    expect(more).toEqual([])
    expect(row?.map(cell => cell.replaceAll("'", ''))).toEqual(everyName.map(name => shown(name).replaceAll("'", '')))
  })

  test.each([',', ';', '|', '\t'])('begins no formula where %j separates', delimiter => {
    const [row] = parse(line, { delimiter, relax_quotes: true, relax_column_count: true }) as readonly string[][]
    expect(row?.filter(cell => /^[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(cell))).toEqual([])
  })

  test('holds such names at all', () => {
    expect(Object.keys(fleet).filter(kind => kind.startsWith('formula'))).toHaveLength(5)
  })
})
