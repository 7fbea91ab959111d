/** Breaks text into lines that fit a width: at spaces, before the slash of a topic, and anywhere where a word alone is too long. Pure. */
import { makeVisible } from '../../observe/escape-html.ts'
import { type Level, levelText } from '../../policy/filter-template.ts'
import { textWidth } from './advance-widths.ts'
import type { FontSize, Label, Run, TextStyle } from './drawing.ts'

export interface Line {
  readonly runs: readonly Run[]
  readonly width: number
}

const bold: ReadonlySet<TextStyle> = new Set(['heading', 'name', 'literal', 'wildcard'])
const ofTopic: ReadonlySet<TextStyle> = new Set(['literal', 'variable', 'wildcard', 'separator'])

const widthOf = ({ text, style }: Run, size: FontSize): number => textWidth(text, size, bold.has(style))

/** Pixels from one baseline to the next. */
export const linePitch = (size: FontSize): number => size + 5
/** How far a line reaches above its baseline, and below. */
export const ascent = (size: FontSize): number => size
export const descent = (size: FontSize): number => Math.ceil(size * 0.3)

/** The levels of a filter as text: each kind of level has its own style. */
export function topicRuns(levels: readonly Level[]): readonly Run[] {
  const styles = { literal: 'literal', variable: 'variable', plus: 'wildcard', hash: 'wildcard' } as const
  return levels.flatMap((level, index) => [
    ...(index === 0 ? [] : [{ text: '/', style: 'separator' as const }]),
    { text: levelText(level), style: styles[level.kind] },
  ])
}

/** What must not be parted as long as it fits a line: a word with the space before it, or a slash and its level. */
function unitsOf(runs: readonly Run[]): readonly (readonly Run[])[] {
  const units: Run[][] = []
  let isOpen = false
  for (const run of runs) {
    const text = makeVisible(run.text)
    const pieces = ofTopic.has(run.style) ? [text] : (text.match(/ *\/?[^ /]+| *\/| +/g) ?? [])
    for (const piece of pieces) {
      if (isOpen) units.at(-1)?.push({ ...run, text: piece })
      else units.push([{ ...run, text: piece }])
      isOpen = run.style === 'separator'
    }
  }
  return units
}

/** @example flow([{ text: 'held by device', style: 'faint' }], 300, 12)[0].width */
export function flow(runs: readonly Run[], width: number, size: FontSize): readonly Line[] {
  const lines: Run[][] = [[]]
  let used = 0
  const put = (run: Run): void => {
    used += widthOf(run, size)
    const line = lines.at(-1) as Run[]
    const last = line.at(-1)
    if (last?.style === run.style) line[line.length - 1] = { ...run, text: last.text + run.text }
    else line.push(run)
  }
  const begin = (): void => {
    if (lines.at(-1)?.length !== 0) lines.push([])
    used = 0
  }
  for (const unit of unitsOf(runs)) {
    const needed = unit.reduce((sum, run) => sum + widthOf(run, size), 0)
    if (used + needed <= width) {
      unit.forEach(put)
      continue
    }
    begin()
    for (const run of trimmed(unit))
      for (const piece of needed <= width ? [run.text] : charactersOf(run.text)) {
        if (used + widthOf({ ...run, text: piece }, size) > width) begin()
        put({ ...run, text: piece })
      }
  }
  return lines.filter(line => line.length > 0).map(line => lineOf(line, size))
}

/** A mark stays with its letter: alone it would be written out, and be wider. */
function charactersOf(text: string): readonly string[] {
  return text.match(/.\p{M}*/gsu) ?? []
}

/** A line does not begin with the space that parted two words. */
function trimmed(unit: readonly Run[]): readonly Run[] {
  const [first, ...rest] = unit
  if (first === undefined || ofTopic.has(first.style)) return unit
  return [{ ...first, text: first.text.trimStart() }, ...rest].filter(run => run.text !== '')
}

function lineOf(runs: readonly Run[], size: FontSize): Line {
  return { runs, width: runs.reduce((sum, run) => sum + widthOf(run, size), 0) }
}

/** Lines as labels, one below the other; `top` is where the first one begins. */
export function labelsOf(lines: readonly Line[], x: number, top: number, size: FontSize): readonly Label[] {
  return lines.map(({ runs, width }, index) => ({
    x,
    y: top + ascent(size) + index * linePitch(size),
    width,
    size,
    runs,
  }))
}

/** How high so many lines are. */
export function heightOf(lines: readonly Line[], size: FontSize): number {
  return lines.length * linePitch(size)
}
