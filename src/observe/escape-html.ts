/** Escaper of HTML and SVG: a name stays a name, wherever in a page it stands, and is seen as what it is (docs/semantics.md 5.4). */
import { escapeControls } from '../policy/quote.ts'

/** What draws nothing, draws something else than it says, or is no character at all. */
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu
/** Marks upon nothing, and heaps of marks, would cover the lines above. */
const looseMarks = /(?<![\p{L}\p{N}\p{M}])\p{M}+|(?<=\p{M}{2})\p{M}+/gu

const asNumber = (character: string): string => {
  const hex = (character.codePointAt(0) ?? 0).toString(16)
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`
}

/**
 * The text with everything invisible written out, as `\u202e`: what a reader sees is what there is. Idempotent.
 * @example makeVisible('pump\u202e7') // 'pump\\u202e7'
 */
export function makeVisible(text: string): string {
  return escapeControls(text)
    .replace(unseen, asNumber)
    .replace(looseMarks, marks => [...marks].map(asNumber).join(''))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  // an old parser takes it for a quote
  '`': '&#96;',
}

/**
 * For text between tags and for quoted values of attributes, in HTML and in SVG alike; not for scripts, styles, comments or
 * unquoted attributes, where no name from outside may stand.
 * @example escapeHtml('<b>"x"</b>') // '&lt;b&gt;&quot;x&quot;&lt;/b&gt;'
 */
export function escapeHtml(text: string): string {
  return makeVisible(text).replace(/[&<>"'`]/g, character => entities[character] ?? '')
}
