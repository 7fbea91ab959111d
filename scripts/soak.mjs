// npm run soak -- [--minutes N]: mixed honest and hostile traffic against `portcullis serve`, an hour unless said.
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } })
if (!(Number(values.minutes) > 0)) {
  console.error('--minutes takes a number above 0')
  process.exit(64)
}
const env = { ...process.env, SOAK_MINUTES: values.minutes }
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.soak.config.ts']
process.exitCode = spawnSync(process.execPath, vitest, { env, stdio: 'inherit' }).status ?? 1
