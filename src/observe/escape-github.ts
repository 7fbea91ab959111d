/**
 * Escaper of the workflow commands of GitHub Actions, which are lines of output: a name cannot end one, begin another, or change
 * the properties of its own (docs/semantics.md 5.4).
 */
import { escapeTerminal } from './escape-terminal.ts'

/** What the runner puts back: in messages, and in values of properties. */
const messageCodes: Readonly<Record<string, string>> = { '%': '%25', '\r': '%0D', '\n': '%0A' }
const propertyCodes: Readonly<Record<string, string>> = { ...messageCodes, ':': '%3A', ',': '%2C' }

/** The lines of a message, whose breaks are the only ones: those within a line are written out. */
export function escapeGithubMessage(lines: readonly string[]): string {
  const escaped = lines.map(line =>
    escapeTerminal(line).replace(/[%\r\n]/g, character => messageCodes[character] ?? ''),
  )
  return escaped.join(messageCodes['\n'])
}

/** @example escapeGithubProperty('50 %::error,x') // '50 %25%3A%3Aerror%2Cx' */
export function escapeGithubProperty(text: string): string {
  return escapeTerminal(text).replace(/[%\r\n:,]/g, character => propertyCodes[character] ?? '')
}
