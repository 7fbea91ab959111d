// npm run bench:policy -- [--rounds N] [--window MS] [--engine NAME]… [SIZE …]: nanoseconds per decision, engines in turn in one
// process, each checked against an oracle before; then what a session keeps, and what binding, compiling and loading cost. bench/policy/README.md says
// how to read it.
import { parseArgs } from 'node:util'
import { engines } from './engines.mjs'
import { measureSessions, measureSubscribe } from './sessions.mjs'
import { makeWorld, sizes } from './workload.mjs'

function fail(sentence) {
  console.error(sentence)
  process.exit(64)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    window: { type: 'string', default: '90' },
    engine: { type: 'string', multiple: true, default: [] },
  },
})
const [rounds, windowMs] = [Number(values.rounds), Number(values.window)]
if (!Number.isInteger(rounds) || rounds < 1 || !(windowMs > 0)) fail('--rounds and --window take positive numbers')
if (values.engine.some(name => engines[name] === undefined)) fail(`engines: ${Object.keys(engines).join(' | ')}`)
if (positionals.some(name => sizes[name] === undefined)) fail(`sizes: ${Object.keys(sizes).join(' | ')}`)
if (globalThis.gc === undefined) fail('run it as `npm run bench:policy`: memory needs node --expose-gc')

const [base] = Object.keys(engines)
const chosen = Object.keys(engines).filter(
  name => name === base || values.engine.length === 0 || values.engine.includes(name),
)
const checkMs = 600

/** Decisions that differ from the oracle, of those there was time for. */
function check(name, decide, { asked }) {
  const until = performance.now() + checkMs
  let checked = 0
  for (const [index, { action, topic, expected }] of asked.entries()) {
    if (decide(index) !== expected)
      throw new Error(`${name} is wrong about ${action} ${topic}: it should be ${expected}`)
    checked++
    if (performance.now() > until) break
  }
  return checked
}

/** Kept outside, so that no decision is for nothing. */
let permitted = 0

/** Nanoseconds for a decision, over one window; `order` says which come after which. */
function timeWindow(engine, order) {
  const { decide } = engine
  const started = process.hrtime.bigint()
  const until = started + BigInt(Math.round(windowMs * 1e6))
  let done = 0
  let now = started
  while (now < until) {
    let { next } = engine
    for (let left = engine.batch; left > 0; left--) {
      if (decide(order[next])) permitted++
      next = next + 1 === order.length ? 0 : next + 1
    }
    engine.next = next
    done += engine.batch
    now = process.hrtime.bigint()
  }
  const spent = Number(now - started) / done
  engine.batch = Math.max(1, Math.min(4096, Math.round(2e6 / spent)))
  return spent
}

const middle = list => [...list].sort((a, b) => a - b)[list.length >> 1]

function text(ns) {
  if (ns < 10_000) return `${ns < 100 ? ns.toFixed(1) : ns.toFixed(0)} ns`
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} us` : `${(ns / 1e6).toFixed(2)} ms`
}

/** Rows that are told for permits alone too: a refusal makes an object, and on bytes a string. */
const onPermits = new Set(['floor, string', 'portcullis, string', 'floor, bytes', 'portcullis, bytes'])

function report(running, order) {
  for (const engine of running) {
    engine.next = 0
    engine.times = []
    timeWindow(engine, order)
  }
  for (let round = 0; round < rounds; round++) {
    for (const engine of running) engine.times.push(timeWindow(engine, order))
  }
  const [{ times: floor }] = running
  for (const { name, times, checked } of running) {
    const ratios = times.map((time, round) => time / floor[round])
    const spread = `(${text(Math.min(...times))} - ${text(Math.max(...times))})`
    console.log(
      `  ${name.padEnd(28)} ${text(middle(times)).padStart(9)} ${spread.padEnd(24)} x${middle(ratios).toPrecision(3)}   checked ${checked}`,
    )
  }
}

async function measureSize(size) {
  const world = makeWorld(size)
  const own = world.sessions[0].rules.length
  console.log(
    `\n${size}: ${world.roles.length} roles, ${own} rules in the roles of a session; the set loaded in ${world.loadMs.toFixed(0)} ms`,
  )
  const running = []
  for (const name of chosen) {
    const decide = await engines[name](world)
    running.push({ name, decide, checked: check(name, decide, world), batch: 1, next: 0, times: [] })
  }
  report(running, Int32Array.from(world.asked.keys()))
  console.log('  permits only')
  const permits = [...world.asked.entries()].filter(([, { expected }]) => expected).map(([index]) => index)
  report(
    running.filter(({ name }) => onPermits.has(name)),
    Int32Array.from(permits),
  )
  measureSubscribe(world, text)
  await measureSessions(world, text)
}

console.log(`${rounds} rounds of ${windowMs} ms: median (least - most), and the median of the ratios to the first row`)
for (const size of positionals.length === 0 ? Object.keys(sizes) : positionals) await measureSize(size)
if (permitted < 0) console.log(permitted)
