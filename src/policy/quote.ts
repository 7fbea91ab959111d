/** Values from outside, made fit for a sentence: quoted, controls escaped, cut to a readable length. Pure. */
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
const maxLength = 200

/** Escapes what could drive a terminal or reorder a line: C0, DEL, C1, bidirectional and invisible characters. Idempotent. */
export function escapeControls(text: string): string {
  return text.replace(unsafe, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** @example quote('pump\u202e7') // '`pump\\u202e7`' */
export function quote(text: string): string {
  const short = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return `\`${escapeControls(short)}\``
}
