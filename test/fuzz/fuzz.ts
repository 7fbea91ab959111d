/**
 * `npm run fuzz`: one input per seed, until the number of inputs or the minutes are spent. A failure names its seed, and
 * `npm run fuzz -- --seed N --inputs 1` plays it again.
 */
import { appendFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { Random } from './random.ts'

const minutes = Number(process.env.FUZZ_MINUTES ?? Number.POSITIVE_INFINITY)
/** Minutes alone are spent whole. */
const inputs = Number(process.env.FUZZ_INPUTS ?? (process.env.FUZZ_MINUTES === undefined ? 1_000_000 : 'Infinity'))
const firstSeed = Number(process.env.FUZZ_SEED ?? 1)
/** Longest time for one input; whatever takes longer hangs. */
const hangMs = 2000

/** Runs `play` for seed after seed; `share` is this target's part of all inputs and of the minutes. */
export async function fuzz(name: string, share: number, play: (random: Random) => void | Promise<void>): Promise<void> {
  const end = Date.now() + minutes * 60_000 * share
  const count = Math.max(1, Math.ceil(inputs * share))
  let played = 0
  for (let seed = firstSeed; played < count && Date.now() < end; seed++, played++) {
    const began = performance.now()
    try {
      await play(new Random(seed))
    } catch (error) {
      throw new Error(`${name}, seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
    const took = performance.now() - began
    // the test runner wants to hear from us now and then
    if (played % 1000 === 999) await setImmediate()
    if (took > hangMs) throw new Error(`${name}, seed ${seed}: it took ${Math.round(took)} ms`)
  }
  const line = `fuzz ${name}: ${played} inputs, seeds ${firstSeed} to ${firstSeed + played - 1}`
  process.stdout.write(`${line}\n`)
  if (process.env.FUZZ_LOG !== undefined) appendFileSync(process.env.FUZZ_LOG, `${line}\n`)
}
