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

function commonCharacter(a: Step, b: Step, alphabet: SafeAlphabet): string | undefined {
  const only = a.literal ?? b.literal
  const candidates = only === undefined ? [...letters, ...alphabet.extra] : [only]
  return candidates.find(c => a.takes(c) && b.takes(c))
}

/** Where the product of two automata stands, and the shortest text that leads there. */
interface Place {
  readonly i: number
  readonly j: number
  /** Whether one of the variables has taken a character of the text in one template only. */
  readonly hasParted: boolean
  readonly text: string
}

/**
 * A shortest text that both templates give; undefined where there is none. With `names`, one in which some variable of
 * that name stands at other places by one template than by the other: the two readings are not the same values.
 */
export function sharedText(
  a: readonly Part[],
  b: readonly Part[],
  alphabet: SafeAlphabet,
  names?: ReadonlySet<string>,
): string | undefined {
  const left = a.flatMap(part => stepsOf(part, alphabet))
  const right = b.flatMap(part => stepsOf(part, alphabet))
  const seen = new Set<string>()
  const follow = (place: Place): readonly Place[] =>
    standing(left, right, place).flatMap(here => {
      const key = `${here.i} ${here.j} ${here.hasParted}`
      if (seen.has(key)) return []
      seen.add(key)
      return read(left, right, here, alphabet, names) ?? []
    })
  // breadth first, so that the first text found is a shortest one
  let front: readonly Place[] = [{ i: 0, j: 0, hasParted: names === undefined, text: '' }]
  while (front.length > 0) {
    const end = front
      .flatMap(place => standing(left, right, place))
      .find(({ i, j, hasParted }) => i === left.length && j === right.length && hasParted)
    if (end !== undefined) return end.text
    front = front.flatMap(follow)
  }
  return undefined
}

/** Every pair of places that can be had from this one without reading. */
function standing(left: readonly Step[], right: readonly Step[], place: Place): readonly Place[] {
  return closure(left, place.i).flatMap(i => closure(right, place.j).map(j => ({ ...place, i, j })))
}

/** One character further, where both automata take a common one. */
function read(
  left: readonly Step[],
  right: readonly Step[],
  { i, j, hasParted, text }: Place,
  alphabet: SafeAlphabet,
  names: ReadonlySet<string> | undefined,
): Place | undefined {
  const [x, y] = [left[i], right[j]]
  const character = x === undefined || y === undefined ? undefined : commonCharacter(x, y, alphabet)
  if (x === undefined || y === undefined || character === undefined) return undefined
  const counted = (step: Step): string | undefined => (names?.has(step.name ?? '') === true ? step.name : undefined)
  return {
    i: x.isLoop ? i : i + 1,
    j: y.isLoop ? j : j + 1,
    hasParted: hasParted || counted(x) !== counted(y),
    text: text + character,
  }
}
