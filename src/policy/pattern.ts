/** Patterns of certificate fields: literals and captures. Pure. */
import { fail, ok, type Result, type Where } from '../problem.ts'
import { longestText, shareOut } from './match-parts.ts'
import { isSafeValue, type SafeAlphabet } from './safe-value.ts'
import { ambiguity, type Part, parseParts } from './template-parts.ts'

export {
  type ClientIdTemplate,
  parseClientIdTemplate,
  templateHasFree,
  templateVariables,
} from './client-id-template.ts'

export interface Pattern {
  readonly text: string
  readonly parts: readonly Part[]
  readonly where: Where
}

export type PatternMatch =
  /** The literal parts do not fit. */
  | { readonly kind: 'no-match' }
  /** The literal parts fit, and what stands for a capture is not safe. */
  | { readonly kind: 'unsafe' }
  | { readonly kind: 'match'; readonly captures: ReadonlyMap<string, string> }

/** @example parsePattern('urn:acme:staff:${name}', where, defaultAlphabet) */
export function parsePattern(text: string, where: Where, alphabet: SafeAlphabet): Result<Pattern> {
  const parts = parseParts(text, where, false)
  if (!parts.ok) return parts
  const mistake = ambiguity(parts.value, text, where, alphabet)
  return mistake === undefined ? ok({ text, parts: parts.value, where }) : fail(mistake)
}

/** A pattern that is this text and nothing else. */
export function literalPattern(text: string, where: Where): Pattern {
  return { text, parts: [{ type: 'literal', text }], where }
}

/** Names of the captures, each once. */
export function patternCaptures(pattern: Pattern): readonly string[] {
  return [...new Set(pattern.parts.flatMap(part => (part.type === 'variable' ? [part.name] : [])))]
}

/** Matches one field value; literals compare as they are (docs/semantics.md 1.4). */
export function matchPattern(pattern: Pattern, text: string, alphabet: SafeAlphabet): PatternMatch {
  if (!literalsFit(pattern.parts, text)) return { kind: 'no-match' }
  if (text.length > longestText(pattern.parts)) return { kind: 'unsafe' }
  const values = shareOut(
    pattern.parts,
    text,
    (part, value) => part.type === 'variable' && isSafeValue(value, alphabet, part.kind),
  )
  if (values === undefined || values === 'several') return { kind: 'unsafe' }
  const captures = new Map<string, string>()
  const names = pattern.parts.flatMap(part => (part.type === 'variable' ? [part.name] : []))
  for (const [index, name] of names.entries()) {
    const value = values[index] as string
    if (captures.has(name) && captures.get(name) !== value) return { kind: 'unsafe' }
    captures.set(name, value)
  }
  return { kind: 'match', captures }
}

/** Whether the literals occur in order, the first at the start and the last at the end where no capture stands there. */
function literalsFit(parts: readonly Part[], text: string): boolean {
  let at = 0
  for (const [index, part] of parts.entries()) {
    if (part.type !== 'literal') continue
    const isLast = index === parts.length - 1
    const found =
      index === 0
        ? text.startsWith(part.text)
          ? 0
          : -1
        : isLast
          ? lastIndex(text, part.text, at)
          : text.indexOf(part.text, at)
    if (found < at) return false
    at = found + part.text.length
    if (isLast && at !== text.length) return false
  }
  return true
}

function lastIndex(text: string, literal: string, from: number): number {
  const start = text.length - literal.length
  return start >= from && text.endsWith(literal) ? start : -1
}
