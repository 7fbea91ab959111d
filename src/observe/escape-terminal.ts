/** Escaper of the terminal: C0, DEL, C1 and bidirectional controls become `\u00xx`, so that a name cannot drive a terminal. */

const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** For one line of text that holds values from outside. Idempotent: its output has nothing left to escape. */
export function escapeTerminal(text: string): string {
  return text.replace(unsafe, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
