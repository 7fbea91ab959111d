/** Property tests with one knob: `PROPERTY_RUNS` (default 2,000; 10,000 in CI); with `PROPERTY_LOG` set, each run is written down there. */
import { appendFileSync } from 'node:fs'
import fc from 'fast-check'

const runsOf = (least: number): number => Math.max(least, Number(process.env.PROPERTY_RUNS ?? 2000))

function note(name: string, numRuns: number): void {
  const log = process.env.PROPERTY_LOG
  if (log !== undefined) appendFileSync(log, `${name}\t${numRuns}\n`)
}

/**
 * Checks a property, with `least` cases at least: for what counts how often something came up.
 * @example checkProperty('parseCrl never throws', fc.property(fc.uint8Array(), bytes => { parseCrl(Buffer.from(bytes)) }))
 */
export function checkProperty<T>(name: string, property: fc.IProperty<T>, least = 0): void {
  const numRuns = runsOf(least)
  fc.assert(property, { numRuns })
  note(name, numRuns)
}

/** As `checkProperty`, for what answers later. */
export async function checkAsyncProperty<T>(name: string, property: fc.IAsyncProperty<T>): Promise<void> {
  const numRuns = runsOf(0)
  await fc.assert(property, { numRuns })
  note(name, numRuns)
}
