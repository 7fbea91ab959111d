/**
 * Automaton code: an automaton laid out in one array of 16-bit words, so that deciding reads few cache lines and makes no
 * garbage. The literals of a state are a radix tree; where only one way leads on, it runs through several levels. Pure.
 *
 *     code   = start(2), start for `$…`(2), states
 *     state  = end, slotCount | hasRadix, other(2), { slot, target(2) }…, node?
 *     node   = runLength, run…, branchCount | isDense | hasTarget, target(2)?, branches
 *     branch = { letter, node(2) }…, or where they lie close: lowest letter, { node(2) }…
 *
 * Targets and nodes take two words. A target is the address of a state, or negative as in `automaton.ts`. Letters are UTF-16
 * units or bytes of UTF-8.
 */
import { type Automaton, finalTarget, type State, type Target } from './automaton.ts'
import { refusal } from './outcome.ts'

export const slash = 47
/** Of the second word of a state. */
export const hasRadix = 0x8000
export const slotMask = 0x7fff
/** Of the word after a run. */
export const hasTarget = 0x8000
export const isDense = 0x4000
export const branchMask = 0x3fff

export type AutomatonCode = Uint16Array

/** An automaton in both codes; they are one where all literals are ASCII. */
export interface EncodedAutomaton {
  readonly units: AutomatonCode
  readonly bytes: AutomatonCode
}

type Letters = Uint16Array | Uint8Array

interface Entry {
  readonly letters: Letters
  readonly target: Target
}

function unitsOf(text: string): Letters {
  const units = new Uint16Array(text.length)
  for (let at = 0; at < text.length; at += 1) units[at] = text.charCodeAt(at)
  return units
}

const encoder = new TextEncoder()
const bytesOf = (text: string): Letters => encoder.encode(text)
const beyondAscii = /[^\u0000-\u007f]/

/** Few branches are tried one by one. */
const fewBranches = 4
/** Branches over more letters than this for each are no table. */
const sparseness = 32

/** States written right behind one another; those of deeper filters come where they come. */
const deepest = 64

/** A state that says nothing, refuses what no literal takes, and has no slots: a topic that leaves its literals is refused. */
const isStraight = (state: State): boolean => state.slots.length === 0 && state.other === finalTarget(refusal)

class Writer {
  readonly #states: readonly State[]
  readonly #lettersOf: (text: string) => Letters
  readonly #words: number[] = []
  readonly #addresses = new Map<number, number>()
  /** Places of targets that are states: their addresses are filled in at last. */
  readonly #open: (readonly [place: number, state: number])[] = []
  readonly #pending: number[] = []
  readonly #references: Uint32Array
  #depth = 0

  constructor(states: readonly State[], lettersOf: (text: string) => Letters) {
    this.#states = states
    this.#lettersOf = lettersOf
    this.#references = new Uint32Array(states.length)
    for (const state of states) {
      for (const target of targetsOf(state)) if (target >= 0) this.#references[target] = this.#countOf(target) + 1
    }
  }

  write({ start, dollarStart }: Automaton): AutomatonCode {
    this.#target(start)
    this.#target(dollarStart)
    // depth first: what is read together comes to lie near together
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      this.#writeState(next)
    }
    for (const [place, state] of this.#open) this.#put(place, this.#addresses.get(state) as number)
    return Uint16Array.from(this.#words)
  }

  /** What only this literal leads to is read next: it comes to lie on the same cache line. */
  #writeBehind(index: number): void {
    if (this.#depth === deepest) return
    this.#depth += 1
    this.#writeState(index)
    this.#depth -= 1
  }

  #writeState(index: number): void {
    if (this.#addresses.has(index)) return
    const state = this.#states[index] as State
    this.#addresses.set(index, this.#words.length)
    this.#words.push(state.end, state.slots.length | (state.labels.size > 0 ? hasRadix : 0))
    this.#target(state.other)
    for (const [slot, target] of state.slots) {
      this.#words.push(slot)
      this.#target(target)
    }
    if (state.labels.size > 0) this.#node(this.#entriesOf(state), 0)
  }

  #entriesOf(state: State): readonly Entry[] {
    const entries = [...state.labels].map(([literal, first]) => {
      let [text, target] = [literal, first]
      for (let only = this.#onlyWay(state, target); only !== undefined; only = this.#onlyWay(state, target)) {
        text += `/${only[0]}`
        target = only[1]
      }
      return { letters: this.#lettersOf(text), target }
    })
    return entries.sort((a, b) => compare(a.letters, b.letters))
  }

  /** The one literal that leads on from a state, where a topic may be read through it without a stop. */
  #onlyWay(from: State, target: Target): readonly [literal: string, target: Target] | undefined {
    const state = this.#states[target]
    if (state === undefined || !isStraight(from) || !isStraight(state) || state.end !== refusal) return undefined
    if (state.labels.size !== 1 || this.#countOf(target) !== 1) return undefined
    return [...state.labels][0]
  }

  /** Entries are sorted, and the same up to `from`. */
  #node(entries: readonly Entry[], from: number): void {
    const [first, last] = [entries[0] as Entry, entries.at(-1) as Entry]
    let end = from
    while (end < first.letters.length && first.letters[end] === last.letters[end]) end += 1
    end = Math.min(end, from + 0xffff)
    this.#words.push(end - from)
    for (let at = from; at < end; at += 1) this.#words.push(first.letters[at] as number)
    const isWhole = first.letters.length === end
    const groups = groupBy(isWhole ? entries.slice(1) : entries, end)
    const isTable = groups.length > fewBranches && spread(groups) <= sparseness * groups.length
    this.#words.push(groups.length | (isTable ? isDense : 0) | (isWhole ? hasTarget : 0))
    if (isWhole) this.#target(first.target)
    if (isTable) this.#table(groups, end)
    else this.#list(groups, end)
    if (isWhole && this.#countOf(first.target) === 1) this.#writeBehind(first.target)
  }

  #list(groups: readonly Group[], end: number): void {
    const places = groups.map(({ letter }) => this.#words.push(letter, 0, 0) - 2)
    for (const [index, { entries }] of groups.entries()) {
      this.#put(places[index] as number, this.#words.length)
      this.#node(entries, end + 1)
    }
  }

  #table(groups: readonly Group[], end: number): void {
    const lowest = groups[0]?.letter as number
    this.#words.push(lowest, spread(groups))
    const table = this.#words.length
    for (let at = 0; at < spread(groups); at += 1) this.#words.push(0, 0)
    for (const { letter, entries } of groups) {
      this.#put(table + 2 * (letter - lowest), this.#words.length)
      this.#node(entries, end + 1)
    }
  }

  #target(target: Target): void {
    const place = this.#words.push(0, 0) - 2
    if (target < 0) {
      this.#put(place, target)
      return
    }
    this.#open.push([place, target])
    this.#pending.push(target)
  }

  #put(place: number, value: number): void {
    this.#words[place] = value & 0xffff
    this.#words[place + 1] = value >>> 16
  }

  #countOf(state: number): number {
    return this.#references[state] as number
  }
}

function* targetsOf(state: State): Generator<Target> {
  yield state.other
  for (const [, target] of state.slots) yield target
  yield* state.labels.values()
}

function compare(a: Letters, b: Letters): number {
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at += 1) {
    const difference = (a[at] as number) - (b[at] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

interface Group {
  readonly letter: number
  readonly entries: Entry[]
}

function groupBy(entries: readonly Entry[], at: number): readonly Group[] {
  const groups: Group[] = []
  for (const entry of entries) {
    const letter = entry.letters[at] as number
    const last = groups.at(-1)
    if (last?.letter === letter) last.entries.push(entry)
    else groups.push({ letter, entries: [entry] })
  }
  return groups
}

function spread(groups: readonly Group[]): number {
  return (groups.at(-1)?.letter ?? 0) - (groups[0]?.letter ?? 0) + 1
}

/** Lays an automaton out. */
export function encodeAutomaton(automaton: Automaton): EncodedAutomaton {
  const units = new Writer(automaton.states, unitsOf).write(automaton)
  const isAscii = automaton.states.every(({ labels }) =>
    [...labels.keys()].every(literal => !beyondAscii.test(literal)),
  )
  return { units, bytes: isAscii ? units : new Writer(automaton.states, bytesOf).write(automaton) }
}
