/** Reads a topic where it lies in a packet. The twin of `walk-string.ts`: a change of one is a change of both. Pure. */
import { type AutomatonCode, hasRadix, hasTarget, slash, slotMask } from './automaton-code.ts'
import { endOfValueInBytes, type SlotValue } from './slot-value.ts'
import { branchOf, wordPair } from './walk-string.ts'

const dollar = 36
/** No target is this one. */
const nowhere = -0x80000000

/** The number of the outcome of the topic from `start` to before `last`: valid UTF-8, not empty. */
export function walkBytes(
  words: AutomatonCode,
  bytes: Uint8Array,
  start: number,
  last: number,
  values: readonly SlotValue[],
): number {
  let state = wordPair(words, bytes[start] === dollar ? 2 : 0)
  let from = start
  while (state >= 0) {
    let at = from
    let target = nowhere
    const shape = words[state + 1] as number
    const radix = state + 4 + 3 * (shape & slotMask)
    for (let node = (shape & hasRadix) !== 0 ? radix : 0; node !== 0; ) {
      const end = at + (words[node++] as number)
      if (end > last) break
      while (at < end && bytes[at] === words[node]) {
        at += 1
        node += 1
      }
      if (at < end) break
      const letter = at < last ? (bytes[at] as number) : slash
      if (letter === slash && ((words[node] as number) & hasTarget) !== 0) {
        target = wordPair(words, node + 1)
        break
      }
      if (at === last) break
      node = branchOf(words, node, letter)
      // a slash that leads nowhere is not read: the level ends here
      if (node !== 0) at += 1
    }
    for (let slot = state + 4; target === nowhere && slot < radix; slot += 3) {
      const end = endOfValueInBytes(bytes, from, last, values[words[slot] as number])
      if (end < 0) continue
      at = end
      target = wordPair(words, slot + 1)
    }
    if (target === nowhere) {
      target = wordPair(words, state + 2)
      if (target < 0 && (target & 1) !== 0) return ~target >> 1
      while (at < last && bytes[at] !== slash) at += 1
    }
    if (target < 0) return (target & 1) === 0 && at < last ? 0 : ~target >> 1
    if (at === last) return words[target] as number
    state = target
    from = at + 1
  }
  return ~state >> 1
}
