// npm run bench:policy -- [--rounds N] [--window MS] [--engine NAME]… [SIZE …]: nanoseconds per decision, engines in turn, each in a
// process of its own and checked against an oracle before; then what a session keeps, and what binding, compiling and loading
// cost. bench/policy/README.md says how to read it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
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

const processPath = fileURLToPath(new URL('engine-process.mjs', import.meta.url))

/** Without this Node 20 may end at a call into WebAssembly: "unreachable code" in the deoptimizer, which inlined calls bring about. */
const execArgv = ['--no-turbo-inline-js-wasm-calls']

/** Starts an engine; it is ready when it has been compared with the oracle. */
async function startEngine(name, size) {
  const child = fork(processPath, [name, size], { execArgv })
  const { checked } = await answerOf(name, child)
  return {
    name,
    checked,
    times: [],
    stop: () => child.disconnect(),
    timeWindow: async order => {
      child.send({ order, windowMs })
      return (await answerOf(name, child)).ns
    },
  }
}

async function answerOf(name, child) {
  const stopped = new AbortController()
  const { signal } = stopped
  try {
    const ended = once(child, 'exit', { signal }).then(([code, by]) => {
      throw new Error(`the process of ${name} ended: ${by ?? code}`)
    })
    const [answer] = await Promise.race([once(child, 'message', { signal }), ended])
    return answer
  } finally {
    stopped.abort()
  }
}

const middle = list => [...list].sort((a, b) => a - b)[list.length >> 1]

function text(ns) {
  if (ns < 10_000) return `${ns < 100 ? ns.toFixed(1) : ns.toFixed(0)} ns`
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} us` : `${(ns / 1e6).toFixed(2)} ms`
}

/** Rows that are told for permits alone too: a refusal makes an object, and on bytes a string. */
const onPermits = new Set(['floor, string', 'portcullis, string', 'floor, bytes', 'portcullis, bytes'])

async function report(running, order) {
  for (const engine of running) {
    engine.times = []
    await engine.timeWindow(order)
  }
  for (let round = 0; round < rounds; round++) {
    for (const engine of running) engine.times.push(await engine.timeWindow(order))
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
  for (const name of chosen) running.push(await startEngine(name, size))
  await report(running, 'all')
  console.log('  permits only')
  await report(
    running.filter(({ name }) => onPermits.has(name)),
    'permits',
  )
  for (const { stop } of running) stop()
  measureSubscribe(world, text)
  await measureSessions(world, text)
}

console.log(`${rounds} rounds of ${windowMs} ms: median (least - most), and the median of the ratios to the first row`)
for (const size of positionals.length === 0 ? Object.keys(sizes) : positionals) await measureSize(size)
