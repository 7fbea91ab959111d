/** What an operator chooses about CRLs, and the alarm about one that ages. */
import { type Problem, problem } from '../problem.ts'
import type { Trace } from '../trace.ts'
import type { Crl } from './crl.ts'
import type { NewestTime } from './newest-time.ts'

/** The `crl:` section of the configuration. */
export interface RevocationSettings {
  /** Once a CRL is older than its nextUpdate and the grace: go on with it, or refuse new connections of that CA. */
  readonly onStaleCrl: 'keep' | 'refuseNew'
  readonly crlGraceHours: number
}

export interface RevocationOptions extends Partial<RevocationSettings> {
  readonly trace?: Trace
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly readFile?: (path: string) => Promise<Buffer>
  /** Told of every thisUpdate, and asked what time it is at least. */
  readonly newest?: NewestTime
}

export const defaultRevocationSettings: RevocationSettings = { onStaleCrl: 'refuseNew', crlGraceHours: 24 }

/** A CRL that should be replaced soon, or should have been. */
export function agedProblem(standing: { readonly crl: Crl; readonly file: string }, now: number): Problem {
  const next = new Date(standing.crl.nextUpdate).toISOString()
  const past = now > standing.crl.nextUpdate
  const sentence = past
    ? `the CRL should have been replaced by ${next}`
    : `more than half the time to the CRL's nextUpdate (${next}) is over`
  return problem('accept/aging-crl', sentence, {
    where: { file: standing.file },
    help: 'fetch the newest CRL of the CA',
  })
}
