/** `set:` of an identity: constants that only this identity has. Pure. */
import type { Text } from './node.ts'
import { safeText } from './read-constants.ts'
import type { Report } from './report.ts'
import type { SafeAlphabet } from './safe-value.ts'
import type { ReadEntry } from './shape.ts'

export function readSet(
  entries: readonly ReadEntry<Text>[],
  alphabet: SafeAlphabet,
  report: Report,
): ReadonlyMap<string, string> {
  const set = new Map<string, string>()
  for (const { key, value } of entries) {
    if (value !== undefined) set.set(key.text, safeText(value, alphabet, report))
  }
  return set
}
