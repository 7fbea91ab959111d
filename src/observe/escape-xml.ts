/** Escaper of XML 1.0: a name stays a name, as text and as the value of an attribute, and is seen as what it is (docs/semantics.md 5.4). */
import { makeVisible } from './escape-html.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  // also that of `]]>`, which may not stand in text
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/**
 * For one line of text between tags, and for quoted values of attributes. What XML 1.0 has no way to hold, such as U+001B and
 * halves of characters, is written out like everything invisible, since a reference to it is an error too.
 * @example escapeXml(']]>\u0000') // ']]&gt;\\u0000'
 */
export function escapeXml(text: string): string {
  return makeVisible(text).replace(/[&<>"']/g, character => entities[character] ?? '')
}
