/** Violation: why the framer stops a connection. A value, not an exception: malformed packets are an expected outcome. */

import { type Problem, type ProblemCode, problem } from '../../problem.ts'
import { type LimitRow, type Limits, limitTable } from '../limits.ts'

export type Violation = Problem

export function violation(code: ProblemCode, sentence: string, help?: string): Violation {
  return problem(code, sentence, help === undefined ? {} : { help })
}

/** A packet that breaks the standard. `clause` is the one that it breaks. */
export function malformed(what: string, clause: string): Violation {
  return violation('accept/malformed-packet', `the client sent ${what} [${clause}]`)
}

/** A packet over a limit; the number in force and its name are told. */
export function overLimit(name: keyof Limits, limits: Limits, what: string): Violation {
  const row: LimitRow = limitTable[name]
  return violation(
    row.code,
    `${what}: the limit is ${limits[name]} ${row.unit}`,
    `\`limits.${name}\` in the configuration raises it`,
  )
}
