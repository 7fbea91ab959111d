// npm run bench:live -- [--connections N]… [--messages N] [--rounds N] [--queued N] [change] [durable] [restart]: how soon a change is in force,
// what durability costs, and how long a restart takes. bench/live/README.md says how to read it.
import { rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { change } from './change.mjs'
import { durable } from './durable.mjs'
import { restart } from './restart.mjs'
import { makeWorld } from './world.mjs'

const scenarios = { change, durable, restart }

function fail(sentence) {
  console.error(sentence)
  process.exit(64)
}

const whole = (name, text) => {
  if (!/^[1-9]\d{0,8}$/.test(text)) fail(`--${name} takes a whole number above 0`)
  return Number(text)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: 'string', multiple: true, default: ['100', '5000'] },
    messages: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '5' },
    queued: { type: 'string', default: '100000' },
  },
})
const connections = values.connections.map(text => whole('connections', text))
const [messages, rounds, queued] = ['messages', 'rounds', 'queued'].map(name => whole(name, values[name]))
const chosen = positionals.length === 0 ? Object.keys(scenarios) : positionals
if (chosen.some(name => scenarios[name] === undefined)) fail(`scenarios: ${Object.keys(scenarios).join(', ')}`)

const world = await makeWorld()
try {
  for (const name of chosen) {
    const sizes =
      name === 'change' ? connections.map(count => ({ connections: count })) : [{ messages, rounds, queued }]
    for (const size of sizes) await scenarios[name](world, size)
  }
} finally {
  world.authority.close()
  rmSync(world.folder, { recursive: true, force: true })
}
process.exit()
