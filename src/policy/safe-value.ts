/** Safe values: what a capture may take and a variable may stand for. Nothing is ever trimmed, folded or escaped. Pure. */
import { fail, ok, problem, type Result } from '../problem.ts'
import { quote } from './quote.ts'

/** Characters that values may have. */
export interface SafeAlphabet {
  /** Beyond the default ones; empty by default. */
  readonly extra: ReadonlySet<string>
}

export const defaultAlphabet: SafeAlphabet = { extra: new Set() }

/** `safe`: the whole alphabet; the others narrow it, each within the one before: safe ⊃ alnum ⊃ hex ⊃ digits. */
export type ValueKind = 'safe' | 'alnum' | 'digits' | 'hex'

/** Every kind, widest first. */
export const valueKinds: readonly ValueKind[] = ['safe', 'alnum', 'hex', 'digits']

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

/** Why a text is no safe value of this kind (docs/semantics.md 1.4); undefined where it is one. */
export function unsafeReason(text: string, alphabet: SafeAlphabet, kind: ValueKind = 'safe'): string | undefined {
  const characters = [...text]
  const [first] = characters
  if (first === undefined) return 'is empty'
  if (characters.length > maxValueLength) return `is longer than ${maxValueLength} characters`
  const stray = characters.find(character => !isSafeCharacter(character, alphabet, kind))
  if (stray !== undefined) return `holds ${quote(stray)}`
  return isSafeStart(first, alphabet, kind) ? undefined : `begins with ${quote(first)}`
}

/**
 * 1 to 64 characters of the alphabet, not beginning with `-` or `.`.
 * @example isSafeValue('pump-7', defaultAlphabet)
 */
export function isSafeValue(text: string, alphabet: SafeAlphabet, kind: ValueKind = 'safe'): boolean {
  return unsafeReason(text, alphabet, kind) === undefined
}

/**
 * The default alphabet and these characters: letters and digits that stand alone in NFC, and `:`.
 * @example widenAlphabet('äöü:')
 */
export function widenAlphabet(extra: string): Result<SafeAlphabet> {
  const characters = [...new Set(extra)]
  const stray = characters.find(character => character !== ':' && !isPlainLetter(character))
  if (stray !== undefined) return fail(unsafeAlphabet(`${quote(stray)} cannot be part of a safe value`))
  // conjoining jamo: two letters in NFC that together are not, so that one name would have two spellings
  for (const left of characters) {
    const right = characters.find(other => (left + other).normalize('NFC') !== left + other)
    if (right !== undefined)
      return fail(unsafeAlphabet(`${quote(left)} and ${quote(right)} join to one character in NFC`))
  }
  return ok({ extra: new Set(characters) })
}

/** A visible letter or digit of one code point that NFC leaves alone; Hangul fillers are letters, and invisible. */
function isPlainLetter(character: string): boolean {
  if (/\p{Default_Ignorable_Code_Point}/u.test(character)) return false
  return /^[\p{L}\p{Nd}]$/u.test(character) && character.normalize('NFC') === character
}

function unsafeAlphabet(sentence: string): ReturnType<typeof problem> {
  return problem('policy/unsafe-alphabet', sentence, {
    help: 'only single letters and digits in NFC, and `:`, can be added; never / + # $, white space or controls',
  })
}
