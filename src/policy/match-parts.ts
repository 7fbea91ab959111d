/** Reads a text by parts: every way in which literals and variables can share it out. Pure. */
import { isSafeCharacter, isSafeStart, isSafeValue, maxValueLength, type SafeAlphabet } from './safe-value.ts'
import { type Part, valueKindOf } from './template-parts.ts'

/** UTF-16 units of the longest value: bounds the work on a hostile text. */
const maxValueUnits = 2 * maxValueLength

/** Length of the longest text that these parts can take. */
export function longestText(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + (part.type === 'literal' ? part.text.length : maxValueUnits), 0)
}

/**
 * The one way to share `text` out so that every literal stands where it must and every other part takes a safe value of
 * its kind, with these values in order; `several` where there is more than one way; undefined where there is none.
 */
export function shareOut(
  parts: readonly Part[],
  text: string,
  alphabet: SafeAlphabet,
): readonly string[] | 'several' | undefined {
  if (text.length > longestText(parts)) return undefined
  const [lone, ...others] = parts
  // most patterns are one capture: it takes all of the text, or there is no way
  if (lone !== undefined && lone.type !== 'literal' && others.length === 0)
    return isSafeValue(text, alphabet, valueKindOf(lone)) ? [text] : undefined
  const ways = waysToRead(parts, text, alphabet)
  const count = ways[0]?.[0] ?? 0
  if (count !== 1) return count === 0 ? undefined : 'several'
  const values: string[] = []
  let at = 0
  for (const [index, part] of parts.entries()) {
    const end = ends(part, text, at, alphabet).find(candidate => ways[index + 1]?.[candidate] !== 0) as number
    if (part.type !== 'literal') values.push(text.slice(at, end))
    at = end
  }
  return values
}

/** `[i][at]`: in how many ways the parts from i on take the text from `at` on (0, 1, or 2 for more). */
function waysToRead(parts: readonly Part[], text: string, alphabet: SafeAlphabet): readonly Uint8Array[] {
  const width = text.length + 1
  let next = new Uint8Array(width)
  next[text.length] = 1
  const ways = [next]
  for (const part of [...parts].reverse()) {
    const own = new Uint8Array(width)
    for (let at = 0; at < width; at += 1) {
      let sum = 0
      for (const end of ends(part, text, at, alphabet)) sum += next[end] as number
      own[at] = Math.min(sum, 2)
    }
    ways.unshift(own)
    next = own
  }
  return ways
}

/** Where a part that begins at `at` may end. */
function ends(part: Part, text: string, at: number, alphabet: SafeAlphabet): readonly number[] {
  if (part.type === 'literal') return text.startsWith(part.text, at) ? [at + part.text.length] : []
  const kind = valueKindOf(part)
  const found: number[] = []
  let end = at
  while (found.length < maxValueLength && end < text.length) {
    const character = String.fromCodePoint(text.codePointAt(end) as number)
    if (!(end === at ? isSafeStart : isSafeCharacter)(character, alphabet, kind)) break
    end += character.length
    found.push(end)
  }
  return found
}
