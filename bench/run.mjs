// npm run bench -- [--rounds N] [--target NAME]… [--profile] [SCENARIO …]: CPU of the broker's process per unit, in interleaved rounds of fresh
// processes, the first fifth or quarter of each thrown away. Prints ratios to stock; `stock again` is the error bar. bench/README.md
// says how to read it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { printProfile } from './profile.mjs'
import { scenarios } from './scenarios.mjs'
import { hasMosquitto, startTarget, targets } from './targets.mjs'
import { makeWorld } from './world.mjs'

function fail(sentence) {
  console.error(sentence)
  process.exit(64)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '8' },
    target: { type: 'string', multiple: true, default: [] },
    profile: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) fail('--rounds takes a whole number')
const chosen = positionals.length === 0 ? Object.keys(scenarios) : positionals
if (chosen.some(name => scenarios[name] === undefined)) fail(`scenarios: ${Object.keys(scenarios).join(', ')}`)
if (values.target.some(name => targets[name] === undefined)) fail(`targets: ${Object.keys(targets).join(', ')}`)

/** Ratios need stock. */
const measured = Object.keys(targets).filter(
  name => name === 'stock' || values.target.length === 0 || values.target.includes(name),
)
if (measured.includes('mosquitto') && !hasMosquitto()) {
  console.log('mosquitto is not installed: its rows are left out')
  measured.splice(measured.indexOf('mosquitto'), 1)
}

async function measure(kind, scenario, folder, profileFolder) {
  const target = await startTarget(kind, folder, profileFolder)
  const text = name => readFileSync(join(folder, name))
  const ca = text('root.pem')
  const world = {
    port: target.port,
    credentials: name => ({ key: text(`${name}.key`), cert: text(`${name}.pem`), ca }),
  }
  const session = await scenario.open(world)
  await session.run(scenario.warmUp ?? Math.ceil(scenario.units / 4))
  const figure = async () => (scenario.memory ? target.resident() : target.cpu())
  const before = await figure()
  const units = await session.run(scenario.units)
  const spent = ((await figure()) - before) / units
  session.close()
  await target.stop()
  return spent
}

const middle = list => [...list].sort((a, b) => a - b)[list.length >> 1]

async function compare(name, folder) {
  const scenario = scenarios[name]
  const spent = Object.fromEntries(measured.map(target => [target, []]))
  for (let round = 0; round < rounds; round++) {
    for (const target of measured) spent[target].push(await measure(targets[target], scenario, folder))
  }
  for (const target of measured) {
    const ratios = spent[target].map((value, round) => value / spent.stock[round])
    const spread = `${middle(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`
    const figure = `${middle(spent[target]).toFixed(1).padStart(8)} ${scenario.memory ? 'KB' : 'µs'}`
    console.log(`${name.padEnd(20)} ${target.padEnd(12)} ${figure}   ${spread}`)
  }
}

async function profile(name, folder) {
  for (const target of measured.filter(one => one !== 'mosquitto' && one !== 'stock again')) {
    const profileFolder = mkdtempSync(join(tmpdir(), 'portcullis-profile-'))
    await measure(targets[target], scenarios[name], folder, profileFolder)
    printProfile(`${name}, ${target}`, profileFolder)
    rmSync(profileFolder, { recursive: true })
  }
}

const folder = makeWorld()
try {
  if (!values.profile) {
    console.log(
      `${rounds} rounds, CPU or memory of the broker per unit; ratios to stock of the same round: median (least-most)`,
    )
  }
  for (const name of chosen) await (values.profile ? profile : compare)(name, folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
