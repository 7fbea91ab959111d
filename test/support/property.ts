/**
 * Property tests with two knobs: `PROPERTY_RUNS` (default 2,000; 10,000 in CI) and `PROPERTY_SEED`. Every run draws the same
 * cases, so that what fails is what was changed; another seed draws others, `PROPERTY_SEED=$RANDOM npm test`.
 * With `PROPERTY_LOG` set, each run is written down there.
 */
import { appendFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'

const { PROPERTY_RUNS = '2000', PROPERTY_SEED = '0', PROPERTY_LOG } = process.env
const runs = Number(PROPERTY_RUNS)

/** Of a property with milliseconds for a case, such as one that loads and proves whole sets: one case where others have five. */
const costlyShare = 5

const seedOf = (name: string): number => (crc32(name) ^ Number(PROPERTY_SEED)) | 0

function note(name: string, numRuns: number, kind: 'plain' | 'costly' = 'plain'): void {
  if (PROPERTY_LOG !== undefined) appendFileSync(PROPERTY_LOG, `${name}\t${numRuns}\t${kind}\n`)
}

/**
 * Checks a property, with `least` cases at least: for what counts how often something came up.
 * @example checkProperty('parseCrl never throws', fc.property(fc.uint8Array(), bytes => { parseCrl(Buffer.from(bytes)) }))
 */
export function checkProperty<T>(name: string, property: fc.IProperty<T>, least = 0): void {
  const numRuns = Math.max(least, runs)
  fc.assert(property, { numRuns, seed: seedOf(name) })
  note(name, numRuns)
}

/** As `checkProperty`, with a fifth of the cases. */
export function checkCostlyProperty<T>(name: string, property: fc.IProperty<T>): void {
  const numRuns = Math.ceil(runs / costlyShare)
  fc.assert(property, { numRuns, seed: seedOf(name) })
  note(name, numRuns, 'costly')
}

/** As `checkProperty`, for what answers later. */
export async function checkAsyncProperty<T>(name: string, property: fc.IAsyncProperty<T>): Promise<void> {
  await fc.assert(property, { numRuns: runs, seed: seedOf(name) })
  note(name, runs)
}
