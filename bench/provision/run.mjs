// npm run bench:provision -- [--rounds N] [--count N] [--target NAME]… [--large]: certificates per second, targets in turn in one run, each
// certificate with its own key and its own files. bench/provision/README.md says how to read it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeAuthority, runBatchCommand, targets, writeLargeCrl } from './targets.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '200' },
    target: { type: 'string', multiple: true, default: [] },
    large: { type: 'boolean', default: false },
  },
})
const [rounds, count] = [Number(values.rounds), Number(values.count)]
const fail = sentence => {
  console.error(sentence)
  process.exit(64)
}
if (!(Number.isInteger(rounds) && rounds > 0 && Number.isInteger(count) && count > 0))
  fail('--rounds and --count take positive whole numbers')
const unknown = values.target.find(name => targets[name] === undefined)
if (unknown !== undefined) fail(`targets: ${Object.keys(targets).join(' | ')}`)

const median = list => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

/** CPU milliseconds of this process and of what it waited for: fields 14 to 17 of its line, in hundredths of a second. */
function cpuMs() {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(' ').slice(13, 17)
  return fields.reduce((sum, ticks) => sum + Number(ticks) * 10, 0)
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
try {
  const world = await makeAuthority(folder)
  const chosen = Object.entries(targets).filter(([name]) => values.target.length === 0 || values.target.includes(name))
  const present = chosen.filter(([name, { needs }]) => {
    if (needs === undefined || spawnSync('sh', ['-c', needs]).status === 0) return true
    console.log(`${name}: not installed, left out`)
    return false
  })
  const seen = new Map(present.map(([name]) => [name, { wall: [], cpu: [], ratio: [] }]))
  for (let round = 0; round <= rounds; round++) {
    let first
    for (const [name, { run, share = 1 }] of present) {
      const out = join(folder, `${round}-${name.replace(/\W+/g, '-')}`)
      mkdirSync(out)
      const many = Math.max(1, Math.round(count * share))
      const [began, before] = [performance.now(), cpuMs()]
      await run(world, out, many, round)
      const [wall, cpu] = [(performance.now() - began) / many, (cpuMs() - before) / many]
      first ??= wall
      rmSync(out, { recursive: true })
      if (round === 0) continue // warm-up
      const { wall: walls, cpu: cpus, ratio } = seen.get(name)
      walls.push(wall)
      cpus.push(cpu)
      ratio.push(wall / first)
    }
  }
  console.log(
    `\n${'target'.padEnd(40)} ${'cert/s'.padStart(8)} ${'ms'.padStart(8)} ${'CPU ms'.padStart(8)} ${'of the floor'.padStart(14)}`,
  )
  for (const [name, { wall, cpu, ratio }] of seen) {
    const row = [
      (1000 / median(wall)).toFixed(0),
      median(wall).toFixed(2),
      median(cpu).toFixed(2),
      `${median(ratio).toFixed(1)} ×`,
    ]
    console.log(
      `${name.padEnd(40)} ${row[0].padStart(8)} ${row[1].padStart(8)} ${row[2].padStart(8)} ${row[3].padStart(14)}`,
    )
  }
  if (values.large) await large(world)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function large(world) {
  const table = ['site,device', ...Array.from({ length: 10_000 }, (_, index) => `s1,large-${index}`)].join('\n')
  writeFileSync(join(folder, 'large.csv'), `${table}\n`)
  const { seconds, peakMb, quarterMb } = await runBatchCommand(world, join(folder, 'large.csv'), join(folder, 'large'))
  console.log(
    `\n10,000 devices by \`device issue --batch\`: ${seconds.toFixed(1)} s, memory ${quarterMb} MB after a quarter, ${peakMb} MB at most`,
  )
  const { ms, bytes } = writeLargeCrl(world, 100_000)
  console.log(`a CRL of 100,000 entries: ${ms.toFixed(0)} ms, ${(bytes / 1e6).toFixed(1)} MB`)
}
