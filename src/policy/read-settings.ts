/** `settings:` of a policy set, merged over its files. Pure. */
import type { Settings } from './model.ts'
import type { Node, Text } from './node.ts'
import type { Report } from './report.ts'
import { defaultAlphabet, type SafeAlphabet, widenAlphabet } from './safe-value.ts'
import { choice, type JsonSchema, object, optional, text } from './shape.ts'

const settings = object('a map of settings', {
  onDeniedPublish: optional(
    choice(
      new Map([
        ['disconnect', 'disconnect'],
        ['drop', 'drop'],
      ] as const),
    ),
    'what happens to a client whose publish is denied',
  ),
  onBroadSubscribe: optional(
    choice(
      new Map([
        ['refuse', 'refuse'],
        ['narrow', 'narrow'],
      ] as const),
    ),
    'what happens to a subscription that asks for more than is allowed',
  ),
  onTakeover: optional(
    choice(
      new Map([
        ['replace', 'replace'],
        ['refuse', 'refuse'],
      ] as const),
    ),
    'what happens when a client id connects again while it is connected',
  ),
  safeValues: optional(
    text('the characters that captured values may hold besides A-Z a-z 0-9 . _ -'),
    'characters that captured values may hold besides A-Z a-z 0-9 . _ -',
  ),
})

export const settingsSchema: JsonSchema = settings.schema

/** The settings of all files; a setting may be given once. */
export function readSettings(sections: readonly Node[], report: Report): Settings {
  const merged: { -readonly [K in keyof Settings]: Settings[K] } = {
    onDeniedPublish: 'disconnect',
    onBroadSubscribe: 'refuse',
    onTakeover: 'replace',
    alphabet: defaultAlphabet,
  }
  const given = new Map<string, Text['where']>()
  for (const section of sections) {
    const read = settings.read(section, report)
    if (read === undefined) continue
    for (const key of ['onDeniedPublish', 'onBroadSubscribe', 'onTakeover', 'safeValues'] as const) {
      if (!read.has(key)) continue
      const first = given.get(key)
      if (first !== undefined)
        report.add(
          'policy/duplicate-name',
          `the setting \`${key}\` is given twice, first at ${first.file}:${first.line}`,
          read.at(key),
          'delete one of the two',
        )
      given.set(key, read.at(key))
    }
    merged.onDeniedPublish = read.value.onDeniedPublish ?? merged.onDeniedPublish
    merged.onBroadSubscribe = read.value.onBroadSubscribe ?? merged.onBroadSubscribe
    merged.onTakeover = read.value.onTakeover ?? merged.onTakeover
    if (read.value.safeValues !== undefined) merged.alphabet = widened(read.value.safeValues, report)
  }
  return merged
}

function widened(extra: Text, report: Report): SafeAlphabet {
  const alphabet = widenAlphabet(extra.text)
  if (alphabet.ok) return alphabet.value
  report.take(alphabet.problem, extra.where)
  return defaultAlphabet
}
