// npm run chaos -- [--seed N] [--minutes M] [--faults N] [--nodes 2]: clients, edits, revocations and kill -9 at random against `portcullis serve`, two
// minutes unless said, or until N faults have been survived. The last line has the counts; exit code 1 where a message was lost,
// leaked, or came twice at QoS 2, or a broker did not do what it has to. The seed decides what is done, not when a kill strikes.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '2' },
    faults: { type: 'string' },
    nodes: { type: 'string', default: '1' },
  },
})
const { seed, minutes, faults, nodes } = values
if (
  !/^\d{1,9}$/.test(seed) ||
  !(Number(minutes) > 0) ||
  !/^[1-9]\d{0,8}$/.test(faults ?? '1') ||
  !/^[12]$/.test(nodes)
) {
  console.error(
    '--seed takes a whole number, --minutes a number above 0, --faults a whole number above 0, --nodes 1 or 2',
  )
  process.exit(64)
}
const folder = mkdtempSync(join(tmpdir(), 'portcullis-chaos-outcome-'))
const file = join(folder, 'outcome.json')
const env = { ...process.env, CHAOS_SEED: seed, CHAOS_MINUTES: minutes, CHAOS_OUTCOME: file, CHAOS_NODES: nodes }
if (faults !== undefined) env.CHAOS_FAULTS = faults
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.chaos.config.ts']
const ran = spawnSync(process.execPath, vitest, { env, encoding: 'utf8' })
let outcome
try {
  outcome = JSON.parse(readFileSync(file, 'utf8'))
} catch {
  process.stderr.write(ran.stdout + ran.stderr)
  console.log(`chaos seed ${seed}: not finished, the reason stands above`)
}
rmSync(folder, { recursive: true, force: true })
process.exitCode = 1
if (outcome !== undefined) {
  const { counts, story, faults: survived, alarms, findings, slowestCloseMs } = outcome
  for (const alarm of alarms) console.log(`alarm    ${alarm}`)
  for (const line of story) console.log(`story    ${line}`)
  for (const sentence of findings) console.log(`fault    ${sentence}`)
  const total = Object.values(survived).reduce((sum, count) => sum + count, 0)
  const kinds = Object.entries(survived).map(([kind, count]) => `${count} ${kind}`)
  const { delivered, refused, lost, leaked, duplicated } = counts
  console.log(`revoked  closed within ${(slowestCloseMs / 1000).toFixed(2)} s of the list being on the disk, at worst`)
  console.log(
    `chaos seed ${seed}: delivered ${delivered}, refused ${refused}, lost ${lost}, leaked ${leaked}, duplicated QoS 2 ${duplicated}, faults survived ${total} (${kinds.join(', ')})`,
  )
  if (lost + leaked + duplicated === 0) process.exitCode = 0
}
