/**
 * Whether two client-id templates can give one text, decided on their languages: a template is a short automaton, and two
 * meet iff their product reaches its end. The length limit of values is left out, so that "none" holds for any length. Pure.
 */
import { isSafeCharacter, isSafeStart, type SafeAlphabet } from './safe-value.ts'
import { type Part, valueKindOf } from './template-parts.ts'

/** One step of a template's automaton: a character that must come, or characters that may be repeated or left out. */
interface Step {
  readonly takes: (character: string) => boolean
  /** The only character that it takes, where there is one. */
  readonly literal?: string
  readonly isLoop: boolean
  /** The variable that it belongs to. */
  readonly name?: string
}

function stepsOf(part: Part, alphabet: SafeAlphabet): readonly Step[] {
  if (part.type === 'literal') {
    return [...part.text].map(literal => ({ takes: c => c === literal, literal, isLoop: false }))
  }
  const kind = valueKindOf(part)
  const name = part.type === 'variable' ? { name: part.name } : {}
  return [
    { takes: c => isSafeStart(c, alphabet, kind), isLoop: false, ...name },
    { takes: c => isSafeCharacter(c, alphabet, kind), isLoop: true, ...name },
  ]
}

/** Where an automaton may stand without reading: loops can be left out. */
function closure(steps: readonly Step[], at: number): readonly number[] {
  const places = [at]
  for (let place = at; steps[place]?.isLoop === true; place += 1) places.push(place + 1)
  return places
}

const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-']

/** A character that both steps take: one that the text `unlike` does not have, if there is one. */
function commonCharacter(a: Step, b: Step, alphabet: SafeAlphabet, unlike: string): string | undefined {
  const only = a.literal ?? b.literal
  const candidates = only === undefined ? [...letters, ...alphabet.extra] : [only]
  const fitting = candidates.filter(c => a.takes(c) && b.takes(c))
  return fitting.find(c => !unlike.includes(c)) ?? fitting[0]
}

export interface SearchOptions {
  /** Look for a text in which a variable of such a name stands at other places by one template than by the other. */
  readonly parting?: ReadonlySet<string>
  /** Spell the text with different characters where it can be: its values are then likely to differ. */
  readonly isVaried?: boolean
}

interface Product extends SearchOptions {
  readonly left: readonly Step[]
  readonly right: readonly Step[]
  readonly alphabet: SafeAlphabet
}

/** Where the product of two automata stands, and the shortest text that leads there. */
interface Place {
  readonly i: number
  readonly j: number
  /** Whether a variable has taken a character of the text in one template only. */
  readonly hasParted: boolean
  readonly text: string
}

/**
 * A shortest text that both templates give; undefined where there is none.
 * @example sharedText(parts('a-${x}'), parts('${y}-b'), defaultAlphabet) // 'a-b'
 */
export function sharedText(
  a: readonly Part[],
  b: readonly Part[],
  alphabet: SafeAlphabet,
  options: SearchOptions = {},
): string | undefined {
  const [left, right] = [a, b].map(parts => parts.flatMap(part => stepsOf(part, alphabet))) as [Step[], Step[]]
  const product: Product = { left, right, alphabet, ...options }
  const seen = new Set<string>()
  const isNew = ({ i, j, hasParted }: Place): boolean => {
    const key = `${i} ${j} ${hasParted}`
    return !seen.has(key) && seen.add(key).has(key)
  }
  // breadth first, so that the first text found is a shortest one
  let front: readonly Place[] = [{ i: 0, j: 0, hasParted: options.parting === undefined, text: '' }]
  while (front.length > 0) {
    const here = front.flatMap(place => standing(product, place))
    const end = here.find(({ i, j, hasParted }) => i === left.length && j === right.length && hasParted)
    if (end !== undefined) return end.text
    front = here.filter(isNew).flatMap(place => read(product, place) ?? [])
  }
  return undefined
}

/** Every pair of places that can be had from this one without reading. */
function standing({ left, right }: Product, place: Place): readonly Place[] {
  return closure(left, place.i).flatMap(i => closure(right, place.j).map(j => ({ ...place, i, j })))
}

/** One character further, where both automata take a common one. */
function read(product: Product, { i, j, hasParted, text }: Place): Place | undefined {
  const [x, y] = [product.left[i], product.right[j]]
  if (x === undefined || y === undefined) return undefined
  const character = commonCharacter(x, y, product.alphabet, product.isVaried === true ? text : '')
  if (character === undefined) return undefined
  const counted = ({ name }: Step): string | undefined =>
    name !== undefined && product.parting?.has(name) === true ? name : undefined
  return {
    i: x.isLoop ? i : i + 1,
    j: y.isLoop ? j : j + 1,
    hasParted: hasParted || counted(x) !== counted(y),
    text: text + character,
  }
}
