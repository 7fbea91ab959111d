/**
 * One pass over the tokens of a YAML text, for the traps that its tree no longer shows: comments that ate the rest of
 * a value, directives, and an unquoted `${…}` inside `[ ]` or `{ }`. Pure.
 */
import { Lexer } from 'yaml'

/** Noncharacters that stand for the braces of an unquoted `${…}` once it is reported; a source that holds them is refused. */
export const openMark = '\uFDD0'
export const closeMark = '\uFDD1'

export interface YamlTraps {
  /** Offsets of `#` of comments that share their line with something else and are not followed by a space. */
  readonly comments: readonly number[]
  /** Offsets of `%` directives. */
  readonly directives: readonly number[]
  /** Offsets of `$` of an unquoted `${…}` inside a flow collection. */
  readonly braces: readonly number[]
  /** The text with the braces of the latter replaced by marks of the same length, so that the rest still parses. */
  readonly repaired: string
}

export function findYamlTraps(text: string): YamlTraps {
  const comments: number[] = []
  const directives: number[] = []
  const braces: number[] = []
  let offset = 0
  let previous = ''
  let inScalar = false
  for (const token of new Lexer().lex(text)) {
    if (token === '\u0002' || token === '\u0018') continue
    if (token === '\u001f') {
      inScalar = true
      continue
    }
    if (!inScalar && token.startsWith('#') && isTrap(text, offset, token)) comments.push(offset)
    if (!inScalar && token.startsWith('%')) directives.push(offset)
    if (token === '{' && previous.endsWith('$') && !previous.startsWith('"')) braces.push(offset - 1)
    previous = token
    inScalar = false
    offset += token.length
  }
  return { comments, directives, braces, repaired: repair(text, braces) }
}

function isTrap(text: string, offset: number, comment: string): boolean {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  return text.slice(lineStart, offset).trim() !== '' && !comment.startsWith('# ')
}

function repair(text: string, braces: readonly number[]): string {
  if (braces.length === 0) return text
  const letters = text.split('')
  for (const dollar of braces) {
    const line = text.slice(dollar + 2).match(/^[^{}\n]*\}/)?.[0]
    if (line === undefined) continue
    letters[dollar + 1] = openMark
    letters[dollar + 1 + line.length] = closeMark
  }
  return letters.join('')
}
