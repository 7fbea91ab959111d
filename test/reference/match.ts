/** Slow and obviously correct: matching level by level, and sets of topics by listing them. */

/** MQTT 3.1.1 §4.7, read aloud. */
export function referenceMatches(filter: string, topic: string): boolean {
  const [first] = filter.split('/')
  if (topic === '') return false
  if (topic.startsWith('$') && (first === '+' || first === '#')) return false
  return levelsMatch(filter.split('/'), topic.split('/'))
}

function levelsMatch(filter: readonly string[], topic: readonly string[]): boolean {
  const [level, ...rest] = filter
  if (level === undefined) return topic.length === 0
  if (level === '#') return true
  const [name, ...names] = topic
  if (name === undefined) return false
  return (level === '+' || level === name) && levelsMatch(rest, names)
}

/** Every topic of up to five levels over the literals of `filters()` and one level that stands in no filter. */
export const topics: readonly string[] = (() => {
  const all: string[] = []
  let longest = ['a', 'b', '', '$a', 'fresh']
  for (let depth = 1; depth <= 5; depth += 1) {
    all.push(...longest)
    longest = longest.flatMap(topic => ['a', '', 'fresh'].map(level => `${topic}/${level}`))
  }
  return all.filter(topic => topic !== '')
})()

/** L(F) ⊆ ∪ L(A), over the listed topics. */
export function referenceCovered(filter: string, union: readonly string[]): boolean {
  return topics.every(
    topic => !referenceMatches(filter, topic) || union.some(member => referenceMatches(member, topic)),
  )
}

/** L(a) ∩ L(b) ≠ ∅, over the listed topics. */
export function referenceOverlaps(a: string, b: string): boolean {
  return topics.some(topic => referenceMatches(a, topic) && referenceMatches(b, topic))
}
