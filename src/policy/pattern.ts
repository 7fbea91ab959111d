/** Patterns of certificate fields: literals and captures. Pure. */
import { fail, ok, type Result, type Where } from '../problem.ts'
import { shareOut } from './match-parts.ts'
import { quote } from './quote.ts'
import { type SafeAlphabet, unsafeReason } from './safe-value.ts'
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
  /** The literal parts fit, and what stands for a capture is not safe; the reason goes on from "the value". */
  | { readonly kind: 'unsafe'; readonly reason: string }
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

/** Whether the literal parts of the pattern fit the text: all that may be compared before anything is poisoned. */
export function fitsLiterals(pattern: Pattern, text: string): boolean {
  return literalsFit(pattern.parts, text)
}

/** Matches one field value; literals compare as they are (docs/semantics.md 1.4). */
export function matchPattern(pattern: Pattern, text: string, alphabet: SafeAlphabet): PatternMatch {
  if (!literalsFit(pattern.parts, text)) return { kind: 'no-match' }
  const values = shareOut(pattern.parts, text, alphabet)
  if (values === undefined) return { kind: 'unsafe', reason: reasonOf(pattern.parts, text, alphabet) }
  if (values === 'several') return { kind: 'unsafe', reason: 'has more than one reading' }
  const captures = new Map<string, string>()
  const names = pattern.parts.flatMap(part => (part.type === 'variable' ? [part.name] : []))
  for (const [index, name] of names.entries()) {
    const value = values[index] as string
    const earlier = captures.get(name)
    if (earlier !== undefined && earlier !== value) {
      return { kind: 'unsafe', reason: `has ${quote(earlier)} and ${quote(value)} for \`\${${name}}\`` }
    }
    captures.set(name, value)
  }
  return { kind: 'match', captures }
}

/** Why no safe values can be read; exact where the pattern has one capture. */
function reasonOf(parts: readonly Part[], text: string, alphabet: SafeAlphabet): string {
  const [variable, ...more] = parts.filter(part => part.type === 'variable')
  if (variable === undefined || more.length > 0) return 'has no safe value for each of its captures'
  const length = (part: Part | undefined): number => (part?.type === 'literal' ? part.text.length : 0)
  const value = text.slice(length(parts[0]), text.length - length(parts.at(-1)))
  return unsafeReason(value, alphabet, variable.kind) ?? 'is not safe'
}

/** Whether the literals occur in order, the first at the start and the last at the end where no capture stands there. */
function literalsFit(parts: readonly Part[], text: string): boolean {
  let at = 0
  for (const [index, part] of parts.entries()) {
    if (part.type !== 'literal') continue
    const isLast = index === parts.length - 1
    const found = isLast && index > 0 ? text.length - part.text.length : text.indexOf(part.text, at)
    if (found < at || (index === 0 && found !== 0) || !text.startsWith(part.text, found)) return false
    at = found + part.text.length
    if (isLast && at !== text.length) return false
  }
  return true
}
