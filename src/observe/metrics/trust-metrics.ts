/** How old CRLs are and when certificates end: what stops a fleet on a day that was known beforehand. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { CrlState } from '../../accept/crl-standing.ts'
import type { Trace } from '../../trace.ts'
import type { AskSource, WatchedCertificate } from './metrics-source.ts'

/** `now`: milliseconds since 1970. */
export function trustMetrics(registry: Registry, source: AskSource, now: () => number): Trace {
  const registers = [registry]
  const crls = (): readonly CrlState[] => source()?.crls() ?? []
  const ofIssuer = (name: string, help: string, value: (all: readonly CrlState[]) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['issuer'],
      registers,
      collect() {
        this.reset()
        for (const [issuer, all] of byIssuer(crls())) this.set({ issuer }, value(all))
      },
    })
  }
  ofIssuer('portcullis_crl_age_seconds', "Time since the thisUpdate of an issuer's oldest CRL.", all =>
    Math.max(...all.map(({ thisUpdate }) => (now() - thisUpdate) / 1000)),
  )
  ofIssuer(
    'portcullis_crl_next_update_seconds',
    "Time until the first nextUpdate of an issuer's CRLs; below zero once it has passed.",
    all => Math.min(...all.map(({ nextUpdate }) => (nextUpdate - now()) / 1000)),
  )
  ofIssuer('portcullis_crl_stale', '1 where a CRL of the issuer is past its nextUpdate and the grace, else 0.', all =>
    all.some(({ state }) => state === 'stale') ? 1 : 0,
  )
  ofIssuer('portcullis_crl_entries', "Revoked certificates in an issuer's CRLs.", all =>
    all.reduce((sum, { entries }) => sum + entries, 0),
  )
  new Gauge({
    name: 'portcullis_certificate_end_seconds',
    help: "Time until the first certificate ends, of the broker's own chain and of each issuer's CAs.",
    labelNames: ['of', 'issuer'],
    registers,
    collect() {
      this.reset()
      for (const { of, issuer = '', notAfter } of earliest(source()?.certificates() ?? []))
        this.set({ of, issuer }, (notAfter - now()) / 1000)
    },
  })
  const alarms = new Counter({
    name: 'portcullis_alarms_total',
    help: 'What an operator must look at, by problem code: the log has each as `alarm`.',
    labelNames: ['code'],
    registers,
  })
  return event => {
    if (event.event === 'alarm') alarms.inc({ code: event.problem.code })
  }
}

function byIssuer(crls: readonly CrlState[]): ReadonlyMap<string, readonly CrlState[]> {
  const found = new Map<string, CrlState[]>()
  for (const crl of crls) found.set(crl.issuer, [...(found.get(crl.issuer) ?? []), crl])
  return found
}

function earliest(all: readonly WatchedCertificate[]): readonly WatchedCertificate[] {
  const found = new Map<string, WatchedCertificate>()
  for (const one of all) {
    const key = `${one.of} ${one.issuer ?? ''}`
    const before = found.get(key)
    if (before === undefined || one.notAfter < before.notAfter) found.set(key, one)
  }
  return [...found.values()]
}
