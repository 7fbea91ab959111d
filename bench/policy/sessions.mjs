// What rights cost beside decisions: requested filters, what a session keeps, binding, compiling.
import { compileRights } from '../../dist/decide/compile-rights.js'
import { isCovered, overlaps } from '../../dist/policy/filter-algebra.js'
import { rightsOf } from './engines.mjs'
import { holderOf, seeded } from './workload.mjs'

const middle = list => [...list].sort((a, b) => a - b)[list.length >> 1]

/** A filter that an own rule covers, or nearly: levels of it become wildcards. */
function requestFor(session, random) {
  const rules = session.rules.filter(rule => rule.action === 'receive')
  if (rules.length === 0) return undefined
  const levels = [...rules[random(rules.length)].levels]
  if (random(3) === 0) levels[random(levels.length)] = '+'
  const end = levels.indexOf('#')
  if (end >= 0 && random(2) === 0) levels.splice(end, 1, 'x', '#')
  if (end < 0 && random(6) === 0) levels.splice(levels.length - 1, 1, '#')
  return levels.join('/')
}

/** As docs/semantics.md says it, rule by rule. */
function isAllowed(session, filter) {
  const of = effect =>
    session.rules.filter(rule => rule.action === 'receive' && rule.effect === effect).map(rule => rule.filter)
  return isCovered(filter, of('allow')) && !of('deny').some(denied => overlaps(denied, filter))
}

export function measureSubscribe(world, text) {
  const random = seeded(7)
  const rights = rightsOf(world)
  const requests = world.sessions
    .flatMap(session => Array.from({ length: 128 }, () => ({ session, filter: requestFor(session, random) })))
    .filter(({ filter }) => filter !== undefined)
  let granted = 0
  for (const { session, filter } of requests) {
    const isPermit = rights[session.index].subscribe(filter, 1).effect === 'permit'
    if (isPermit !== isAllowed(session, filter)) throw new Error(`wrong about subscribe ${filter}`)
    if (isPermit) granted++
  }
  const times = []
  for (let round = -20; round < 9; round++) {
    const started = process.hrtime.bigint()
    for (const { session, filter } of requests) rights[session.index].subscribe(filter, 1)
    if (round >= 0) times.push(Number(process.hrtime.bigint() - started) / requests.length)
  }
  console.log(
    `  subscribe: ${text(middle(times))} (${text(Math.min(...times))} - ${text(Math.max(...times))}), ${requests.length} checked, ${granted} granted`,
  )
}

/** Bytes of heap and buffers after a collection. */
async function used() {
  // what weak maps held is gone only some collections later
  for (let round = 0; round < 6; round++) {
    globalThis.gc()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Compiles for somebody of these roles and has both machines made. */
function compileOnce(set, session) {
  const rights = compileRights(set, holderOf(session))
  rights.value.publish('x', { qos: 0, retain: false, payloadBytes: 0 })
  rights.value.receive('x')
  return rights.value
}

export async function measureSessions(world, text) {
  const [first] = world.sessions
  const compileTimes = []
  for (let round = 0; round < 15; round++) {
    // another object is another policy set: nothing is remembered of the last
    const set = { ...world.set }
    const started = process.hrtime.bigint()
    compileOnce(set, first)
    compileTimes.push(Number(process.hrtime.bigint() - started))
  }
  const sets = Array.from({ length: 8 }, () => ({ ...world.set }))
  const beforeSets = await used()
  const kept = sets.map(set => compileOnce(set, first))
  const perRoleSet = ((await used()) - beforeSets) / sets.length

  compileOnce(world.set, first)
  const count = 20_000
  const holders = Array.from({ length: count }, (_, index) =>
    holderOf({ ...first, site: `site-${index % 8}`, device: `device-${100_000 + index}` }),
  )
  for (const holder of holders.slice(0, 2000)) compileRights(world.set, holder)
  const rights = new Array(count).fill(undefined)
  const before = await used()
  const started = process.hrtime.bigint()
  for (let index = 0; index < count; index++) rights[index] = compileRights(world.set, holders[index]).value
  const bind = Number(process.hrtime.bigint() - started) / count
  const perSession = ((await used()) - before) / count
  console.log(
    `  compile a role set: ${text(compileTimes[0])} first here, ${text(middle(compileTimes))} median; ${(perRoleSet / 1024).toFixed(0)} KB kept (${kept.length} of them)`,
  )
  console.log(
    `  bind: ${text(bind)} a session; ${perSession.toFixed(0)} bytes kept by a session (${rights.length} of them)`,
  )
}
