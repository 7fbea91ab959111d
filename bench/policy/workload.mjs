// What is decided: policies of four sizes, sessions, and decisions on distinct topics, half of them to be permitted. Seeded. The
// oracle splits topics and goes through every rule of a session.
import { loadPolicySet } from '../../dist/policy/load.js'

/** Roles, rules in each; a session has two roles. */
export const sizes = {
  10: [5, 2],
  '1,000': [50, 20],
  '10,000': [100, 100],
  '1,000 own': [2, 500],
}

const sessionsInAll = 32
const decisionsEach = 512

export function seeded(seed) {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Filters in ten shapes; `unit` is all but unique, so that rules differ in what a device has many of. */
const shapes = [
  unit => ['allow', 'publish', `plant/\${site}/\${device}/${unit}/#`],
  unit => ['allow', 'publish', `plant/\${site}/\${device}/${unit}/+`],
  unit => ['allow', 'publish', `account/\${device}/${unit}/state`],
  unit => ['allow', 'subscribe', `plant/\${site}/\${device}/command/${unit}`],
  unit => ['allow', 'subscribe', `plant/\${site}/+/${unit}/notice`],
  unit => ['allow', 'publish', `plant/\${site}/shared/${unit}/+/reading`],
  (_, earlier) => ['deny', 'publish', `plant/+/+/${earlier}/secret/#`],
  (_, earlier) => ['deny', 'subscribe', `plant/+/+/${earlier}/notice`],
  unit => ['allow', 'subscribe', `site/\${site}/${unit}/#`],
  unit => ['allow', 'publish', `log/\${site}/\${device}/${unit}`],
]

const things = ['temperature', 'pressure', 'valve', 'motor', 'camera', 'door', 'meter', 'pump']

function makeRoles([roles, rulesEach], random) {
  return Array.from({ length: roles }, (_, role) => {
    const units = []
    return Array.from({ length: rulesEach }, (_, index) => {
      const unit = `${things[random(things.length)]}-${role}-${index}`
      const shape = shapes[(index * 7 + role) % shapes.length]
      const earlier = units.length === 0 ? unit : units[random(units.length)]
      units.push(unit)
      return shape(unit, earlier)
    })
  })
}

function yamlOf(roles) {
  const list = (effect, rules) => {
    const lines = rules.filter(one => one[0] === effect).map(([, action, filter]) => `      - ${action}: "${filter}"`)
    return lines.length === 0 ? [] : [`    ${effect}:`, ...lines]
  }
  const texts = roles.map((rules, role) => [`  r${role}:`, ...list('allow', rules), ...list('deny', rules)].join('\n'))
  return `portcullis: 1
identities:
  device:
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    clientId: "\${site}/\${device}"
    roles: [${roles.map((_, role) => `r${role}`).join(', ')}]
roles:
${texts.join('\n')}
`
}

/** The rules of a session with its values put in. */
function ownRules(roles, session) {
  return session.roles.flatMap(role =>
    roles[role].map(([effect, action, template]) => {
      const text = template.replace('${site}', () => session.site).replace('${device}', () => session.device)
      return { effect, action: action === 'publish' ? 'publish' : 'receive', filter: text, levels: text.split('/') }
    }),
  )
}

export function matches(filter, topic) {
  if ((filter[0] === '+' || filter[0] === '#') && topic[0].startsWith('$')) return false
  for (let at = 0; at < filter.length; at++) {
    if (filter[at] === '#') return true
    if (at >= topic.length || (filter[at] !== '+' && filter[at] !== topic[at])) return false
  }
  return filter.length === topic.length
}

/** Slow and plain. */
export function oracle(session, action, topic) {
  const levels = topic.split('/')
  const fitting = session.rules.filter(rule => rule.action === action && matches(rule.levels, levels))
  return fitting.length > 0 && fitting.every(rule => rule.effect === 'allow')
}

/** A topic that an own rule names, or nearly. */
function topicFor(session, sessions, random) {
  const rule = session.rules[random(session.rules.length)]
  const fresh = () => `n${random(1_000_000)}`
  const levels = rule.levels.flatMap(level => {
    if (level === '+') return random(2) === 0 ? [fresh()] : [[session.site, session.device][random(2)]]
    if (level === '#') return random(2) === 0 ? [fresh()] : [fresh(), fresh()]
    return [level]
  })
  const other = sessions[random(sessions.length)]
  const change = random(12)
  if (change === 0) levels[levels.indexOf(session.device)] = other.device
  if (change === 1) levels[levels.indexOf(session.site)] = other.site
  if (change === 2) levels[random(levels.length)] = fresh()
  if (change === 3) levels.push(fresh())
  if (change === 4) levels.pop()
  return { action: rule.action, topic: levels.join('/') }
}

function decisionsOf(session, sessions, random) {
  const wanted = { true: decisionsEach / 2, false: decisionsEach / 2 }
  const found = new Map()
  while (found.size < decisionsEach) {
    const { action, topic } = topicFor(session, sessions, random)
    const key = `${action} ${topic}`
    if (topic === '' || found.has(key)) continue
    const expected = oracle(session, action, topic)
    if (wanted[expected] === 0) continue
    wanted[expected]--
    found.set(key, { session, action, topic, expected })
  }
  return [...found.values()]
}

/** A world of one size. */
export function makeWorld(size) {
  const random = seeded(2024)
  const roles = makeRoles(sizes[size], random)
  const yaml = yamlOf(roles)
  const started = performance.now()
  const { set, problems } = loadPolicySet([{ name: 'bench.yaml', text: yaml }])
  const loadMs = performance.now() - started
  if (set === undefined || problems.length > 0) throw new Error(JSON.stringify(problems.slice(0, 3)))
  const sessions = Array.from({ length: sessionsInAll }, (_, index) => {
    const first = random(roles.length)
    const second = (first + 1 + random(roles.length - 1)) % roles.length
    const session = { index, site: `site-${index % 8}`, device: `device-${1000 + index * 37}`, roles: [first, second] }
    session.rules = ownRules(roles, session)
    session.holder = holderOf(session)
    return session
  })
  const decisions = shuffle(
    sessions.flatMap(session => decisionsOf(session, sessions, random)),
    random,
  )
  return { size, roles, yaml, set, loadMs, sessions, ...laidOut(decisions) }
}

/**
 * Decisions as arrays, and their topics in the order in which they are asked: what a packet brings is at hand when it is decided,
 * and objects scattered over the heap would measure the memory of the machine.
 */
function laidOut(decisions) {
  const encoded = decisions.map(one => Buffer.from(one.topic))
  const bytes = Buffer.concat(encoded)
  const ends = new Int32Array(decisions.length)
  const starts = new Int32Array(decisions.length)
  let at = 0
  for (const [index, one] of encoded.entries()) {
    starts[index] = at
    at += one.length
    ends[index] = at
  }
  return {
    count: decisions.length,
    asked: decisions,
    /** Number of the session. */
    who: Uint8Array.from(decisions, one => one.session.index),
    isReceive: Uint8Array.from(decisions, one => (one.action === 'receive' ? 1 : 0)),
    expected: Uint8Array.from(decisions, one => (one.expected ? 1 : 0)),
    bytes,
    starts,
    ends,
    topics: Array.from(ends, (end, index) => bytes.toString('utf8', starts[index], end)),
  }
}

export function holderOf({ site, device, roles }) {
  const captures = new Map([
    ['site', site],
    ['device', device],
  ])
  return {
    identity: { kind: 'device', captures },
    roles: roles.map(role => `r${role}`),
    variables: new Map([...captures].map(([name, value]) => [name, [value]])),
  }
}

function shuffle(list, random) {
  for (let at = list.length - 1; at > 0; at--) {
    const other = random(at + 1)
    const kept = list[at]
    list[at] = list[other]
    list[other] = kept
  }
  return list
}
