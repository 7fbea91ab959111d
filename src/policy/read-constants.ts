/** `constants:` of a policy set: variables whose values are written in the policy itself. Pure. */
import type { Where } from '../problem.ts'
import { Names } from './names.ts'
import type { Node, Text } from './node.ts'
import type { Report } from './report.ts'
import { isSafeValue, type SafeAlphabet } from './safe-value.ts'
import { type JsonSchema, record, textOrTexts, variableName } from './shape.ts'

export interface Constant {
  readonly name: string
  readonly value: string | readonly string[]
  readonly where: Where
}

const constants = record(variableName, textOrTexts('a value'), 'a map of constants')

export const constantsSchema: JsonSchema = constants.schema

/** The constants of all files; broken ones keep their name. */
export function readConstants(sections: readonly Node[], alphabet: SafeAlphabet, report: Report): Names<Constant> {
  const names = new Names<Constant>('constant', report)
  for (const section of sections) {
    const entries = constants.read(section, report)
    if (entries === undefined) report.unread('constants')
    for (const { key, value: given } of entries ?? []) {
      names.define(
        key,
        given === undefined ? undefined : { name: key.text, value: plain(given, alphabet, report), where: key.where },
      )
    }
  }
  return names
}

function plain(given: Text | readonly Text[], alphabet: SafeAlphabet, report: Report): string | readonly string[] {
  if (!('where' in given)) return given.map(one => safeText(one, alphabet, report))
  return safeText(given, alphabet, report)
}

/** The text of a value that is going to fill a topic level; told where it is not safe. */
export function safeText(given: Text, alphabet: SafeAlphabet, report: Report): string {
  if (!isSafeValue(given.text, alphabet)) {
    report.add(
      'policy/unsafe-value',
      `\`${given.text}\` is not a safe value`,
      given.where,
      'a safe value has 1 to 64 characters of A-Z a-z 0-9 . _ - and begins with neither `-` nor `.`',
    )
  }
  return given.text
}
