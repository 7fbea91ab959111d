/** What field patterns and client-id templates share: literals and variables in turn, kept apart so that they read one way. Pure. */
import { fail, ok, type Problem, problem, type Result, type Where } from '../problem.ts'
import { quote } from './quote.ts'
import { isSafeCharacter, type SafeAlphabet, type ValueKind } from './safe-value.ts'

export type Part =
  | { readonly type: 'literal'; readonly text: string }
  | { readonly type: 'variable'; readonly name: string; readonly kind: ValueKind }
  /** `+` of a client-id template: one safe value, freely chosen. */
  | { readonly type: 'free' }

const token = /\$\{([^}]*)\}|\+/g
const variable = /^([a-z][A-Za-z0-9_]*)(?::(alnum|digits|hex))?$/

function bad(text: string, sentence: string, where: Where): Problem {
  return problem('policy/bad-pattern', `${quote(text)}: ${sentence}`, {
    where,
    help: 'variables are written `${name}`, `${name:alnum}`, `${name:digits}` or `${name:hex}`',
  })
}

/** Splits a text at `${…}`, and at `+` where that means a free value. */
export function parseParts(text: string, where: Where, hasFree: boolean): Result<readonly Part[]> {
  const parts: Part[] = []
  let end = 0
  const literal = (piece: string): void => {
    if (piece !== '') parts.push({ type: 'literal', text: piece })
  }
  for (const found of text.matchAll(token)) {
    if (found[0] === '+' && !hasFree) continue
    literal(text.slice(end, found.index))
    end = found.index + found[0].length
    if (found[0] === '+') {
      parts.push({ type: 'free' })
      continue
    }
    const [, name, kind] = variable.exec(found[1] ?? '') ?? []
    if (name === undefined) return fail(bad(text, `${quote(found[0])} is no variable`, where))
    parts.push({ type: 'variable', name, kind: (kind as ValueKind | undefined) ?? 'safe' })
  }
  literal(text.slice(end))
  const stray = parts.find(part => part.type === 'literal' && /[{}]/.test(part.text))
  if (stray !== undefined) return fail(bad(text, 'a brace stands alone', where))
  return ok(parts)
}

/** What values a variable or `+` takes. */
export function valueKindOf(part: Exclude<Part, { readonly type: 'literal' }>): ValueKind {
  return part.type === 'variable' ? part.kind : 'safe'
}

/** Whether a value of this part may hold the character. */
function partHolds(part: Part, character: string, alphabet: SafeAlphabet): boolean {
  return part.type !== 'literal' && isSafeCharacter(character, alphabet, valueKindOf(part))
}

/**
 * Two neighbouring variables must be kept apart by a literal; undefined where all are. `${site}-${device}` on `s1-pump-7` has
 * two readings; `${site:alnum}-${device}` has one, since the first value ends at the first `-`. Read from the left, or from
 * the right, every value must end for certain: a mixture of both can have two readings again.
 */
export function ambiguity(
  parts: readonly Part[],
  text: string,
  where: Where,
  alphabet: SafeAlphabet,
): Problem | undefined {
  const isApart = (reading: readonly Part[]): boolean =>
    reading.every((part, index) => {
      const between = reading[index + 1]
      if (part.type === 'literal' || between === undefined) return true
      if (between.type !== 'literal') return false
      const isLast = index + 2 >= reading.length
      return isLast || [...between.text].some(character => !partHolds(part, character, alphabet))
    })
  if (isApart(parts) || isApart([...parts].reverse())) return undefined
  return problem(
    'policy/ambiguous-capture',
    `${quote(text)} has more than one reading: nothing keeps its variables apart`,
    {
      where,
      help: 'separate them by a character that neither can hold, such as `/`, or narrow one: `${site:alnum}-${device}`',
    },
  )
}
