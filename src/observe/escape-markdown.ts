/** The escaper for Markdown, where comments of pull requests are written: what is named can neither format nor mention. */
import { escapeTerminal } from './escape-terminal.ts'

/** Whatever Markdown or HTML could read as more than a character, a mention or a reference. */
const special = /[^A-Za-z0-9 ./,:;=$(){}-]/gu

/**
 * A text as code, safe in a line or a table cell.
 * @example markdownCode('a|b') // '<code>a&#124;b</code>'
 */
export function markdownCode(text: string): string {
  return `<code>${markdownText(text)}</code>`
}

/** A text as it is. */
export function markdownText(text: string): string {
  return escapeTerminal(text).replace(special, character => `&#${character.codePointAt(0)};`)
}
