/** Safe values: what a capture may take and a variable may stand for. Nothing is ever trimmed, folded or escaped. Pure. */
import { fail, ok, problem, type Result } from '../problem.ts'
import { quote } from './quote.ts'

/** Characters that values may have. */
export interface SafeAlphabet {
  /** Beyond the default ones; empty by default. */
  readonly extra: ReadonlySet<string>
}

export const defaultAlphabet: SafeAlphabet = { extra: new Set() }

/** `safe`: the whole alphabet; the others narrow it. */
export type ValueKind = 'safe' | 'alnum' | 'digits' | 'hex'

export const maxValueLength = 64

const kinds: Readonly<Record<ValueKind, RegExp>> = {
  safe: /^[A-Za-z0-9._-]$/,
  alnum: /^[A-Za-z0-9]$/,
  digits: /^[0-9]$/,
  hex: /^[0-9a-f]$/,
}

/** Whether a value of this kind may hold this character (one code point). */
export function isSafeCharacter(character: string, alphabet: SafeAlphabet, kind: ValueKind = 'safe'): boolean {
  return kinds[kind].test(character) || (kind === 'safe' && alphabet.extra.has(character))
}

/** Whether a value may begin with this character. */
export function isSafeStart(character: string, alphabet: SafeAlphabet, kind: ValueKind = 'safe'): boolean {
  return character !== '-' && character !== '.' && isSafeCharacter(character, alphabet, kind)
}

/**
 * 1 to 64 characters of the alphabet, not beginning with `-` or `.`.
 * @example isSafeValue('pump-7', defaultAlphabet)
 */
export function isSafeValue(text: string, alphabet: SafeAlphabet, kind: ValueKind = 'safe'): boolean {
  const characters = [...text]
  const [first] = characters
  if (first === undefined || characters.length > maxValueLength) return false
  return isSafeStart(first, alphabet, kind) && characters.every(character => isSafeCharacter(character, alphabet, kind))
}

/**
 * The default alphabet and these characters: letters and digits that stand alone in NFC, and `:`.
 * @example widenAlphabet('äöü:')
 */
export function widenAlphabet(extra: string): Result<SafeAlphabet> {
  for (const character of extra) {
    const isLetter = /^[\p{L}\p{Nd}]$/u.test(character) && character.normalize('NFC') === character
    if (isLetter || character === ':') continue
    return fail(
      problem('policy/unsafe-alphabet', `${quote(character)} cannot be part of a safe value`, {
        help: 'only single letters and digits in NFC, and `:`, can be added; never / + # $, white space or controls',
      }),
    )
  }
  return ok({ extra: new Set(extra) })
}
