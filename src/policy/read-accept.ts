/** `accept:` of a rule, role or identity: warnings that are meant, each with a reason. Pure. */

import { type WarningName, warningNames } from './model.ts'
import { didYouMean } from './nearest-name.ts'
import type { Text } from './node.ts'
import type { Report } from './report.ts'
import { type JsonSchema, type ReadEntry, record, type Shape, text } from './shape.ts'

const entries = record(text('the name of a warning'), text('a reason'), 'a map of warnings to reasons')

export const acceptShape: Shape<readonly ReadEntry<Text>[]> = {
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      warningNames.map(name => [name, (entries.schema as { additionalProperties: JsonSchema }).additionalProperties]),
    ),
  },
  read: entries.read,
}

/** Warning → reason. */
export function readAccept(
  given: readonly ReadEntry<Text>[] | undefined,
  report: Report,
): ReadonlyMap<WarningName, string> {
  const accepted = new Map<WarningName, string>()
  for (const { key, value } of given ?? []) {
    const known = warningNames.find(name => name === key.text)
    if (known === undefined)
      report.add(
        'policy/unknown-warning',
        `there is no warning \`${key.text}\``,
        key.where,
        didYouMean(key.text, warningNames, 'warnings'),
      )
    else if (value !== undefined) accepted.set(known, value.text)
  }
  return accepted
}
