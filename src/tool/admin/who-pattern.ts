/** Patterns by which `session list` and `watch` choose: an identity or its beginning, a client id, a subject; `*` is any text. */

/**
 * Whether one of the patterns fits one of the texts. A pattern without `*` fits the whole text or the beginning of an identity:
 * `device`, `device:site=s1`. No pattern at all fits everything.
 * @example fitsWho(['device:site=s1'], ['device:site=s1,device=pump-7', 'pump-7'])
 */
export function fitsWho(patterns: readonly string[], texts: readonly (string | undefined)[]): boolean {
  if (patterns.length === 0) return true
  return patterns.some(pattern => texts.some(text => text !== undefined && fits(pattern, text)))
}

function fits(pattern: string, text: string): boolean {
  if (pattern.includes('*')) return fitsGlob(pattern, text)
  if (!text.startsWith(pattern)) return false
  const next = text[pattern.length]
  return next === undefined || next === ',' || next === ':'
}

/** Piece by piece, each at its first place: linear in the text for each piece, whatever the pattern is. */
function fitsGlob(pattern: string, text: string): boolean {
  const [first = '', ...pieces] = pattern.split('*')
  const last = pieces.pop() ?? ''
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of pieces) {
    const found = text.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
