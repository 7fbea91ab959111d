/** Reads a topic by an automaton. Its twin for packets is `walk-bytes.ts`: a change of one is a change of both. Pure. */
import { type AutomatonCode, branchMask, hasRadix, hasTarget, isDense, slash, slotMask } from './automaton-code.ts'
import { endOfValue, type SlotValue } from './slot-value.ts'

const dollar = 36
/** No target is this one. */
const nowhere = -0x80000000

/** The node to which a letter leads from the word after a run; 0 where none does. */
export function branchOf(words: Uint16Array, node: number, letter: number): number {
  const shape = words[node] as number
  const first = node + ((shape & hasTarget) !== 0 ? 3 : 1)
  if ((shape & isDense) !== 0) {
    const index = letter - (words[first] as number)
    if (index < 0 || index >= (words[first + 1] as number)) return 0
    return wordPair(words, first + 2 + 2 * index)
  }
  for (let at = first, end = first + 3 * (shape & branchMask); at < end; at += 3) {
    if (words[at] === letter) return wordPair(words, at + 1)
  }
  return 0
}

/** A target, or the address of a node. */
export function wordPair(words: Uint16Array, at: number): number {
  return (words[at] as number) | ((words[at + 1] as number) << 16)
}

/**
 * The number of the outcome of a topic, which is not empty.
 *
 * One loop rather than small functions: this runs for every message, and passes two positions on at once.
 */
export function walkString(words: AutomatonCode, topic: string, values: readonly SlotValue[]): number {
  const { length } = topic
  let state = wordPair(words, topic.charCodeAt(0) === dollar ? 2 : 0)
  let from = 0
  while (state >= 0) {
    let at = from
    let target = nowhere
    const shape = words[state + 1] as number
    const radix = state + 4 + 3 * (shape & slotMask)
    for (let node = (shape & hasRadix) !== 0 ? radix : 0; node !== 0; ) {
      const end = at + (words[node++] as number)
      if (end > length) break
      while (at < end && topic.charCodeAt(at) === words[node]) {
        at += 1
        node += 1
      }
      if (at < end) break
      const letter = at < length ? topic.charCodeAt(at) : slash
      if (letter === slash && ((words[node] as number) & hasTarget) !== 0) {
        target = wordPair(words, node + 1)
        break
      }
      if (at === length) break
      node = branchOf(words, node, letter)
      // a slash that leads nowhere is not read: the level ends here
      if (node !== 0) at += 1
    }
    for (let slot = state + 4; target === nowhere && slot < radix; slot += 3) {
      const end = endOfValue(topic, from, values[words[slot] as number])
      if (end < 0) continue
      at = end
      target = wordPair(words, slot + 1)
    }
    if (target === nowhere) {
      target = wordPair(words, state + 2)
      if (target < 0 && (target & 1) !== 0) return ~target >> 1
      while (at < length && topic.charCodeAt(at) !== slash) at += 1
    }
    if (target < 0) return (target & 1) === 0 && at < length ? 0 : ~target >> 1
    if (at === length) return words[target] as number
    state = target
    from = at + 1
  }
  return ~state >> 1
}
