// The floor: the least that an exact decision can cost in this language. A machine shared by all sessions of a role set, values of
// an identity compared in place, and nothing but yes or no: no reasons, no conditions, no budget, no fallback, no lists, and values
// that are equal to a literal or to each other are not looked for.

const dead = -1
const yes = -2
const yesAtEnd = -3

/** Rules: [effect, levels]; a level `${name}` is a slot, numbered by `slots`. */
export function compileFloor(rules, slots) {
  const root = trieOf(rules)
  const states = []
  const known = new Map()
  const arrive = (nodes, before) => {
    if (before === 'deny' || nodes.some(node => node.hash === 'deny')) return dead
    const sticky = before === 'allow' || nodes.some(node => node.hash === 'allow') ? 'allow' : 'none'
    const ends = nodes.map(node => node.end)
    const end = !ends.includes('deny') && (sticky === 'allow' || ends.includes('allow'))
    const below = nodes.filter(node => node.children.size > 0 && (sticky === 'none' || node.denies))
    const alive = sticky === 'allow' || below.some(node => node.allows) ? below : []
    if (alive.length === 0) {
      if (sticky === 'allow') return end ? yes : makeState('', end, sticky, alive)
      return end ? yesAtEnd : dead
    }
    return makeState(
      alive
        .map(node => node.id)
        .sort((a, b) => a - b)
        .join(' '),
      end,
      sticky,
      alive,
    )
  }
  const makeState = (ids, end, sticky, alive) => {
    const key = `${end} ${sticky} ${ids}`
    if (known.has(key)) return known.get(key)
    const state = { end, labels: [], slots: [], other: sticky === 'allow' ? yes : dead }
    const index = states.push(state) - 1
    known.set(key, index)
    const wild = alive.flatMap(node => node.children.get('+') ?? [])
    if (wild.length > 0) state.other = arrive(wild, sticky)
    for (const label of new Set(alive.flatMap(node => [...node.children.keys()]))) {
      if (label === '+') continue
      const target = arrive([...alive.flatMap(node => node.children.get(label) ?? []), ...wild], sticky)
      if (label.startsWith('${')) state.slots.push([slots.indexOf(label.slice(2, -1)), target])
      else state.labels.push([label, target])
    }
    return index
  }
  const start = arrive([root], 'none')
  return layOut(states, start)
}

let counter = 0
const makeNode = () => ({ id: counter++, children: new Map(), end: '', hash: '', allows: false, denies: false })
const stronger = (one, two) => (one === 'deny' || two === 'deny' ? 'deny' : two)

function trieOf(rules) {
  const root = makeNode()
  for (const [effect, levels] of rules) {
    let node = root
    for (const level of levels) {
      if (effect === 'allow') node.allows = true
      else node.denies = true
      if (level === '#') break
      if (!node.children.has(level)) node.children.set(level, makeNode())
      node = node.children.get(level)
    }
    if (levels.at(-1) === '#') node.hash = stronger(node.hash, effect)
    else node.end = stronger(node.end, effect)
  }
  return root
}

/** state = end, slots | 0x8000 where there are labels, other(2), { slot, target(2) }…, node; node = length, run…, branches, target(2), table */
function layOut(states, start) {
  const words = []
  const at = new Map()
  const open = []
  const todo = [start]
  const put = (place, value) => {
    words[place] = value & 0xffff
    words[place + 1] = value >>> 16
  }
  const target = state => {
    words.push(0, 0)
    if (state < 0) return put(words.length - 2, state)
    open.push([words.length - 2, state])
    todo.push(state)
  }
  const isStraight = ({ slots, other }) => slots.length === 0 && other === dead
  const follow = (state, [label, to]) => {
    let [text, next] = [label, to]
    while (
      next >= 0 &&
      isStraight(state) &&
      isStraight(states[next]) &&
      !states[next].end &&
      states[next].labels.length === 1
    ) {
      text += `/${states[next].labels[0][0]}`
      next = states[next].labels[0][1]
    }
    return [text, next]
  }
  const node = (entries, from) => {
    const [first, last] = [entries[0][0], entries.at(-1)[0]]
    let end = from
    while (end < first.length && first[end] === last[end]) end++
    words.push(end - from)
    for (let index = from; index < end; index++) words.push(first.charCodeAt(index))
    const isWhole = first.length === end
    const rest = isWhole ? entries.slice(1) : entries
    const groups = Map.groupBy?.(rest, ([text]) => text.charCodeAt(end)) ?? groupBy(rest, end)
    const letters = [...groups.keys()]
    const isTable = letters.length > 4
    words.push(letters.length | (isTable ? 0x4000 : 0) | (isWhole ? 0x8000 : 0))
    if (isWhole) target(entries[0][1])
    if (isTable) words.push(letters[0], letters.at(-1) - letters[0] + 1)
    const table = words.length
    const size = isTable ? 2 * (letters.at(-1) - letters[0] + 1) : 3 * letters.length
    for (let index = 0; index < size; index++) words.push(0)
    for (const [index, letter] of letters.entries()) {
      if (!isTable) words[table + 3 * index] = letter
      put(isTable ? table + 2 * (letter - letters[0]) : table + 3 * index + 1, words.length)
      node(groups.get(letter), end + 1)
    }
  }
  while (todo.length > 0) {
    const index = todo.pop()
    if (index < 0 || at.has(index)) continue
    const state = states[index]
    at.set(index, words.length)
    words.push(state.end ? 1 : 0, state.slots.length | (state.labels.length > 0 ? 0x8000 : 0))
    target(state.other)
    for (const [slot, to] of state.slots) {
      words.push(slot)
      target(to)
    }
    if (state.labels.length > 0)
      node(
        state.labels.map(label => follow(state, label)).sort(([a], [b]) => (a < b ? -1 : 1)),
        0,
      )
  }
  for (const [place, state] of open) put(place, at.get(state))
  return { words: Uint16Array.from(words), start: start < 0 ? start : at.get(start) }
}

function groupBy(entries, at) {
  const groups = new Map()
  for (const entry of entries) {
    const letter = entry[0].charCodeAt(at)
    if (groups.has(letter)) groups.get(letter).push(entry)
    else groups.set(letter, [entry])
  }
  return groups
}

const slash = 47

/** Topics that begin with `$` are left out: no rule of the bench names one. */
export function decideFloor(machine, topic, values) {
  const { words } = machine
  const { length } = topic
  let state = machine.start
  let from = 0
  while (state >= 0) {
    let at = from
    let target = 0x7fffffff
    const shape = words[state + 1]
    const radix = state + 4 + 3 * (shape & 0x7fff)
    if ((shape & 0x8000) !== 0) {
      let node = radix
      for (;;) {
        const end = at + words[node++]
        if (end > length) break
        while (at < end && topic.charCodeAt(at) === words[node]) {
          at++
          node++
        }
        if (at < end) break
        const letter = at < length ? topic.charCodeAt(at) : slash
        const fork = words[node]
        if (letter === slash && (fork & 0x8000) !== 0) {
          target = words[node + 1] | (words[node + 2] << 16)
          break
        }
        if (at === length) break
        let next = node + ((fork & 0x8000) !== 0 ? 3 : 1)
        node = 0
        if ((fork & 0x4000) !== 0) {
          const index = letter - words[next]
          if (index >= 0 && index < words[next + 1])
            node = words[next + 2 + 2 * index] | (words[next + 3 + 2 * index] << 16)
        } else {
          for (const end = next + 3 * (fork & 0x3fff); next < end; next += 3) {
            if (words[next] === letter) {
              node = words[next + 1] | (words[next + 2] << 16)
              break
            }
          }
        }
        if (node === 0) break
        at++
      }
    }
    for (let slot = state + 4; target === 0x7fffffff && slot < radix; slot += 3) {
      const value = values[words[slot]]
      const end = from + value.length
      if (end > length || (end < length && topic.charCodeAt(end) !== slash)) continue
      let index = 0
      while (index < value.length && topic.charCodeAt(from + index) === value.charCodeAt(index)) index++
      if (index < value.length) continue
      at = end
      target = words[slot + 1] | (words[slot + 2] << 16)
    }
    if (target === 0x7fffffff) {
      target = words[state + 2] | (words[state + 3] << 16)
      if (target === dead) return false
      if (target === yes) return true
      while (at < length && topic.charCodeAt(at) !== slash) at++
    }
    if (target < 0) return target === yes || (target === yesAtEnd && at === length)
    if (at === length) return words[target] === 1
    state = target
    from = at + 1
  }
  return state === yes
}

/** The same on bytes. */
export function decideFloorBytes(machine, bytes, start, length, values) {
  const { words } = machine
  let state = machine.start
  let from = start
  while (state >= 0) {
    let at = from
    let target = 0x7fffffff
    const shape = words[state + 1]
    const radix = state + 4 + 3 * (shape & 0x7fff)
    if ((shape & 0x8000) !== 0) {
      let node = radix
      for (;;) {
        const end = at + words[node++]
        if (end > length) break
        while (at < end && bytes[at] === words[node]) {
          at++
          node++
        }
        if (at < end) break
        const letter = at < length ? bytes[at] : slash
        const fork = words[node]
        if (letter === slash && (fork & 0x8000) !== 0) {
          target = words[node + 1] | (words[node + 2] << 16)
          break
        }
        if (at === length) break
        let next = node + ((fork & 0x8000) !== 0 ? 3 : 1)
        node = 0
        if ((fork & 0x4000) !== 0) {
          const index = letter - words[next]
          if (index >= 0 && index < words[next + 1])
            node = words[next + 2 + 2 * index] | (words[next + 3 + 2 * index] << 16)
        } else {
          for (const end = next + 3 * (fork & 0x3fff); next < end; next += 3) {
            if (words[next] === letter) {
              node = words[next + 1] | (words[next + 2] << 16)
              break
            }
          }
        }
        if (node === 0) break
        at++
      }
    }
    for (let slot = state + 4; target === 0x7fffffff && slot < radix; slot += 3) {
      const value = values[words[slot]]
      const end = from + value.length
      if (end > length || (end < length && bytes[end] !== slash)) continue
      let index = 0
      while (index < value.length && bytes[from + index] === value.charCodeAt(index)) index++
      if (index < value.length) continue
      at = end
      target = words[slot + 1] | (words[slot + 2] << 16)
    }
    if (target === 0x7fffffff) {
      target = words[state + 2] | (words[state + 3] << 16)
      if (target === dead) return false
      if (target === yes) return true
      while (at < length && bytes[at] !== slash) at++
    }
    if (target < 0) return target === yes || (target === yesAtEnd && at === length)
    if (at === length) return words[target] === 1
    state = target
    from = at + 1
  }
  return state === yes
}
