/**
 * Property tests with two knobs: `PROPERTY_RUNS` (default 2,000; 10,000 in CI) and `PROPERTY_SEED`. Every run draws the same
 * cases, so that what fails is what was changed; another seed draws others, `PROPERTY_SEED=$RANDOM npm test`.
 * With `PROPERTY_LOG` set, each run is written down there.
 */
import { appendFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'

interface Drawn {
  readonly numRuns: number
  readonly seed: number
}

function drawnFor(name: string, least: number): Drawn {
  const { PROPERTY_RUNS = '2000', PROPERTY_SEED = '0' } = process.env
  return { numRuns: Math.max(least, Number(PROPERTY_RUNS)), seed: (crc32(name) ^ Number(PROPERTY_SEED)) | 0 }
}

function note(name: string, numRuns: number): void {
  const log = process.env.PROPERTY_LOG
  if (log !== undefined) appendFileSync(log, `${name}\t${numRuns}\n`)
}

/**
 * Checks a property, with `least` cases at least: for what counts how often something came up.
 * @example checkProperty('parseCrl never throws', fc.property(fc.uint8Array(), bytes => { parseCrl(Buffer.from(bytes)) }))
 */
export function checkProperty<T>(name: string, property: fc.IProperty<T>, least = 0): void {
  const drawn = drawnFor(name, least)
  fc.assert(property, drawn)
  note(name, drawn.numRuns)
}

/** As `checkProperty`, for what answers later. */
export async function checkAsyncProperty<T>(name: string, property: fc.IAsyncProperty<T>): Promise<void> {
  const drawn = drawnFor(name, 0)
  await fc.assert(property, drawn)
  note(name, drawn.numRuns)
}
