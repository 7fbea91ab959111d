/** Reads a text by parts: every way in which literals and variables can share it out. Pure. */
import { maxValueLength } from './safe-value.ts'
import type { Part } from './template-parts.ts'

/** UTF-16 units of the longest value: bounds the work on a hostile text. */
const maxValueUnits = 2 * maxValueLength

/** Length of the longest text that these parts can take. */
export function longestText(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + (part.type === 'literal' ? part.text.length : maxValueUnits), 0)
}

/**
 * The one way to share `text` out so that every literal stands where it must, with the values of the other parts in order;
 * `several` where there is more than one; undefined where there is none. `accepts` says what a part may take.
 */
export function shareOut(
  parts: readonly Part[],
  text: string,
  accepts: (part: Part, value: string) => boolean,
): readonly string[] | 'several' | undefined {
  // readings[i][p]: how many ways parts from i on take text from p on (0, 1 or 2 for more)
  const width = text.length + 1
  const ways = Array.from({ length: parts.length + 1 }, () => new Uint8Array(width))
  ;(ways[parts.length] as Uint8Array)[text.length] = 1
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const part = parts[index] as Part
    const next = ways[index + 1] as Uint8Array
    for (let at = 0; at < width; at += 1) {
      let sum = 0
      for (const end of ends(part, text, at, accepts)) sum += next[end] as number
      ;(ways[index] as Uint8Array)[at] = Math.min(sum, 2)
    }
  }
  const count = (ways[0] as Uint8Array)[0] as number
  if (count === 0) return undefined
  if (count > 1) return 'several'
  const values: string[] = []
  let at = 0
  for (const [index, part] of parts.entries()) {
    const next = ways[index + 1] as Uint8Array
    const end = ends(part, text, at, accepts).find(candidate => next[candidate] !== 0) as number
    if (part.type !== 'literal') values.push(text.slice(at, end))
    at = end
  }
  return values
}

function ends(part: Part, text: string, at: number, accepts: (part: Part, value: string) => boolean): number[] {
  if (part.type === 'literal') return text.startsWith(part.text, at) ? [at + part.text.length] : []
  const found: number[] = []
  const last = Math.min(text.length, at + maxValueUnits)
  for (let end = at + 1; end <= last; end += 1) {
    if (accepts(part, text.slice(at, end))) found.push(end)
  }
  return found
}
