/** Property tests with one knob: `PROPERTY_RUNS` (default 2,000; 10,000 in CI); with `PROPERTY_LOG` set, each run is written down there. */
import { appendFileSync } from 'node:fs'
import fc from 'fast-check'

/**
 * Checks a property, with `least` cases at least: for what counts how often something came up.
 * @example checkProperty('parseCrl never throws', fc.property(fc.uint8Array(), bytes => { parseCrl(Buffer.from(bytes)) }))
 */
export function checkProperty<T>(name: string, property: fc.IProperty<T>, least = 0): void {
  const numRuns = Math.max(least, Number(process.env.PROPERTY_RUNS ?? 2000))
  fc.assert(property, { numRuns })
  const log = process.env.PROPERTY_LOG
  if (log !== undefined) appendFileSync(log, `${name}\t${numRuns}\n`)
}
