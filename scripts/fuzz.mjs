// npm run fuzz -- [--inputs N] [--minutes N] [--seed N] [TARGET …]: fuzzes the framer, the certificate path, the policy
// loader and a guarded broker. 1,000,000 inputs unless inputs or minutes are said; a failure names the seed that plays it again.
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { inputs: { type: 'string' }, minutes: { type: 'string' }, seed: { type: 'string' } },
})
for (const [name, value] of Object.entries(values)) {
  if (Number(value) > 0) continue
  console.error(`--${name} takes a number above 0`)
  process.exit(64)
}
const env = {
  ...process.env,
  ...(values.inputs === undefined ? {} : { FUZZ_INPUTS: values.inputs }),
  ...(values.minutes === undefined ? {} : { FUZZ_MINUTES: values.minutes }),
  ...(values.seed === undefined ? {} : { FUZZ_SEED: values.seed }),
}
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.fuzz.config.ts', ...positionals]
process.exitCode = spawnSync(process.execPath, vitest, { env, stdio: 'inherit' }).status ?? 1
