/** How long a revocation takes: from a CRL that is taken over to the closed socket of whom it revokes. */
import { Histogram, type Registry } from 'prom-client'
import type { ProblemCode } from '../../problem.ts'
import type { Trace } from '../../trace.ts'
import type { Clock } from '../clock.ts'
import type { AskSource } from './metrics-source.ts'

const revoked: ReadonlySet<ProblemCode | undefined> = new Set(['accept/revoked', 'accept/issuer-revoked'])

export function revocationMetrics(registry: Registry, source: AskSource, clock: Pick<Clock, 'now'>): Trace {
  const seconds = new Histogram({
    name: 'portcullis_revoke_to_close_seconds',
    help: 'Time from a CRL that was taken over until the socket of a session that it revoked was closed.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  let since: number | undefined
  let rechecks: number | undefined
  return event => {
    if (event.event === 'revocations-loaded') {
      // CRLs that are read in one go are enforced in one go, and each of them waits for the last
      const count = source()?.rechecks()
      if (since === undefined || count !== rechecks) since = clock.now()
      rechecks = count
    } else if (event.event === 'disconnected' && since !== undefined && revoked.has(event.problem?.code)) {
      seconds.observe((clock.now() - since) / 1000)
    }
  }
}
