// One engine and one world in a process of its own: foreign engines in one process have brought Node down, and what one teaches the
// compiler about a call would be paid by all. Asked over IPC: a window at a time, in turn with the processes of the other engines.
import { engines } from './engines.mjs'
import { makeWorld } from './workload.mjs'

const checkMs = 600

/** Decisions that were compared with the oracle: as many as there was time for. */
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

const [name, size] = process.argv.slice(2)
const world = makeWorld(size)
const decide = await engines[name](world)
const orders = {
  all: Int32Array.from(world.asked.keys()),
  permits: Int32Array.from([...world.asked.keys()].filter(index => world.asked[index].expected)),
}

/** Kept outside, so that no decision is for nothing. */
let permitted = 0
let batch = 1
let next = 0

/** Nanoseconds for a decision, over one window. */
function timeWindow(order, windowMs) {
  const started = process.hrtime.bigint()
  const until = started + BigInt(Math.round(windowMs * 1e6))
  let done = 0
  let now = started
  if (next >= order.length) next = 0
  while (now < until) {
    for (let left = batch; left > 0; left--) {
      if (decide(order[next])) permitted++
      next = next + 1 === order.length ? 0 : next + 1
    }
    done += batch
    now = process.hrtime.bigint()
  }
  const spent = Number(now - started) / done
  batch = Math.max(1, Math.min(4096, Math.round(2e6 / spent)))
  return spent
}

process.on('message', ({ order, windowMs }) => {
  process.send({ ns: timeWindow(orders[order], windowMs), permitted })
})
process.on('disconnect', () => process.exit(0))
process.send({ checked: check(name, decide, world) })
