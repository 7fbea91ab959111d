/**
 * The algebra of topic filters: match, cover by a union, overlap. L(F) is the set of valid topic names that F matches;
 * a wildcard first level never matches `$…` [MQTT-4.7.2-1], `P/#` matches P too, levels may be empty. Pure.
 */
import type { TopicFilter, TopicName } from './topic.ts'

/** T ∈ L(F). [MQTT-4.7] */
export function matches(filter: TopicFilter, topic: TopicName): boolean {
  return levelsMatch(filter.split('/'), topic.split('/'))
}

function levelsMatch(filter: readonly string[], topic: readonly string[]): boolean {
  if (isWildcard(filter[0]) && topic[0]?.startsWith('$')) return false
  for (const [index, level] of filter.entries()) {
    if (level === '#') return topic.length >= index
    if (index >= topic.length) return false
    if (level !== '+' && level !== topic[index]) return false
  }
  return filter.length === topic.length
}

function isWildcard(level: string | undefined): boolean {
  return level === '+' || level === '#'
}

/** A level that stands in no filter: it holds a character that no valid filter can. */
const fresh = '\u0000'

/**
 * L(F) ⊆ ∪ L(A), exactly. The theorem: a fresh level is matched by wildcards only, so a filter without `#` is covered iff one
 * filter matches its generic topic; `P/#` is the union of `P/+^k`, and beyond the longest filter of the union nothing changes.
 */
export function isCovered(filter: TopicFilter, union: readonly TopicFilter[]): boolean {
  return uncovered(filter, union, fresh) === undefined
}

/**
 * A topic of L(F) that no filter of the union matches: the witness that it is not covered; undefined where it is.
 * @example uncoveredTopic('a/#', ['a/+']) // 'a'
 */
export function uncoveredTopic(filter: TopicFilter, union: readonly TopicFilter[]): TopicName | undefined {
  const taken = new Set([filter, ...union].flatMap(one => one.split('/')))
  let count = 1
  while (taken.has(`x${count}`)) count += 1
  return uncovered(filter, union, `x${count}`)?.join('/') as TopicName | undefined
}

/** The generic topic of F, or the shortest one that is not covered where F ends in `#`. */
function uncovered(filter: TopicFilter, union: readonly TopicFilter[], generic: string): readonly string[] | undefined {
  const levels = filter.split('/')
  const candidates = union.map(member => member.split('/'))
  const isOpen = levels.at(-1) === '#'
  const prefix = (isOpen ? levels.slice(0, -1) : levels).map(level => (level === '+' ? generic : level))
  const longest = candidates.reduce((most, candidate) => Math.max(most, candidate.length), 0)
  // `#` and `/#`: the topic of no characters is not valid, so they begin one level later
  const first = isOpen && (prefix.length === 0 || (prefix.length === 1 && prefix[0] === '')) ? 1 : 0
  const last = isOpen ? Math.max(first, longest - prefix.length + 1) : 0
  for (let count = first; count <= last; count += 1) {
    const topic = [...prefix, ...Array<string>(count).fill(generic)]
    if (!candidates.some(candidate => levelsMatch(candidate, topic))) return topic
  }
  return undefined
}

/** L(a) ∩ L(b) ≠ ∅. Symmetric. */
export function overlaps(a: TopicFilter, b: TopicFilter): boolean {
  return levelsOverlap(a.split('/'), b.split('/'))
}

function levelsOverlap(a: readonly string[], b: readonly string[]): boolean {
  if ((isWildcard(a[0]) && b[0]?.startsWith('$')) || (isWildcard(b[0]) && a[0]?.startsWith('$'))) return false
  const joint: (string | undefined)[] = []
  for (let index = 0; ; index += 1) {
    const x = a[index]
    const y = b[index]
    if (x === '#' || y === '#') {
      // whatever the other still demands is matched, its own wildcards by any level; the empty topic is not valid
      const rest = x === '#' ? b.slice(index) : a.slice(index)
      return joint.length > 1 || joint[0] !== '' || rest.some(level => level !== '#') || canGrow(a, b, index)
    }
    if (x === undefined || y === undefined) return x === y && !(joint.length === 1 && joint[0] === '')
    if (x !== y && x !== '+' && y !== '+') return false
    joint.push(x === '+' ? y : x)
  }
}

/** Both go on by `#` from here, so that a longer topic fits both. */
function canGrow(a: readonly string[], b: readonly string[], index: number): boolean {
  const endsOpen = (levels: readonly string[]): boolean => levels.at(-1) === '#' && levels.length - 1 <= index
  return endsOpen(a) && endsOpen(b)
}

/** L(a) ∩ L(b) as one filter; undefined where it is empty. Symmetric in what it matches. */
export function intersection(a: TopicFilter, b: TopicFilter): TopicFilter | undefined {
  if (!overlaps(a, b)) return undefined
  const [x, y] = [a.split('/'), b.split('/')]
  const joint: string[] = []
  for (let index = 0; index < Math.max(x.length, y.length); index += 1) {
    // `#` takes whatever the other says from here on, and nothing more where that has ended (its parent level)
    if (x[index] === '#') return [...joint, ...y.slice(index)].join('/') as TopicFilter
    if (y[index] === '#') return [...joint, ...x.slice(index)].join('/') as TopicFilter
    joint.push((x[index] === '+' ? y[index] : x[index]) as string)
  }
  return joint.join('/') as TopicFilter
}
