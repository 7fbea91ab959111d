/** What the metrics ask of a gate and its listener. */
import type { Issuers } from '../../accept/issuers.ts'
import type { Listening } from '../../enforce/aedes/index.ts'
import type { Gate } from '../../gate.ts'
import type { MetricsSource, WatchedCertificate } from '../../observe/metrics/metrics-source.ts'
import type { Readiness } from '../../observe/readiness.ts'

export function metricsSource(
  gate: Gate,
  listener: Pick<Listening, 'connections' | 'certificateEnd'>,
  readiness: Readiness,
): MetricsSource {
  return {
    sessions: () => gate.sessions.totals,
    connections: () => listener.connections,
    permits: () => gate.permitCounts.all(),
    policy: () => gate.policy,
    crls: () => gate.revocations.crls(),
    certificates: () => [{ of: 'broker', notAfter: listener.certificateEnd }, ...casOf(gate.issuers)],
    rechecks: () => gate.rechecks,
    isReady: () => readiness.reasons().length === 0,
  }
}

function casOf({ all }: Issuers): readonly WatchedCertificate[] {
  return all.flatMap(({ name, cas, root }) =>
    [...cas, root].map(({ certificate }) => ({ of: 'ca' as const, issuer: name, notAfter: certificate.notAfter })),
  )
}
