/** The name that somebody probably meant. Pure. */

/** The nearest of `names`, or undefined where none is near enough to be a slip of the finger. */
export function nearestName(text: string, names: Iterable<string>): string | undefined {
  const limit = text.length < 4 ? 1 : text.length < 8 ? 2 : 3
  let best: string | undefined
  let bestDistance = limit + 1
  for (const name of names) {
    if (Math.abs(name.length - text.length) > limit) continue
    const distance = editDistance(text.toLowerCase(), name.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

/** ``did you mean `x`?`` where a name is near, else the names there are. */
export function didYouMean(text: string, names: Iterable<string>, kind: string): string {
  const known = [...names]
  const near = nearestName(text, known)
  if (near !== undefined) return `did you mean \`${near}\`?`
  if (known.length === 0) return `there is no ${kind} yet`
  const shown = known.slice(0, 12).map(name => `\`${name}\``)
  return `${kind}: ${shown.join(', ')}${known.length > shown.length ? ', …' : ''}`
}

/** Levenshtein distance where swapping two neighbours counts as one. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      current.push(cost)
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}
