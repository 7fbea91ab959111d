/** What `portcullis status` tells of a running broker. */
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import type { Gate } from '../../gate.ts'
import { shownPath } from '../ca/ca-text.ts'
import { type LastReload, type Recent, type RecentAlarm, refusalMinutes } from './recent.ts'

export interface CertificateEnd {
  /** `broker`, or the issuer's name and what it is. */
  readonly name: string
  readonly notAfter: string
}

export interface StatusReport {
  readonly portcullis: string
  readonly pid: number
  readonly upSeconds: number
  /** `mqtts://0.0.0.0:8883` */
  readonly listeners: readonly string[]
  readonly policy: {
    readonly revision: string
    readonly rules: number
    readonly tests: number
    readonly version: number | null
  }
  /** Whether what the policy would refuse of topics is let pass (`serve --report-only`). */
  readonly reportOnly: boolean
  readonly lastReload: LastReload | null
  readonly sessions: { readonly live: number; readonly kept: number }
  readonly crls: readonly {
    readonly file: string
    readonly state: 'fresh' | 'alarm' | 'stale'
    readonly thisUpdate: string
    readonly nextUpdate: string
    readonly entries: number
  }[]
  readonly certificates: readonly CertificateEnd[]
  readonly refusals: { readonly minutes: number; readonly codes: Readonly<Record<string, number>> }
  /** The last few of the log. */
  readonly alarms: readonly RecentAlarm[]
  /** What an operator must do something about, a sentence each; empty where all is well. */
  readonly trouble: readonly string[]
}

export interface StatusSource {
  readonly gate: Gate
  readonly recent: Recent
  /** Of the package. */
  readonly version: string
  readonly listeners: readonly string[]
  /** End of the broker's certificate at the start, ISO 8601. */
  readonly serverNotAfter: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly now: () => number
}

/** A certificate that ends within so many days is trouble. */
const horizonDays = 7
const dayMs = 86_400_000

/** Without `trouble`, which is read from the rest. */
type Facts = Omit<StatusReport, 'trouble'>

export function statusReport(source: StatusSource): StatusReport {
  const { gate, recent, now } = source
  const { revision, rules, tests, bundle } = gate.policy
  const facts: Facts = {
    portcullis: source.version,
    pid: process.pid,
    upSeconds: Math.max(0, Math.floor((now() - source.startedAt) / 1000)),
    listeners: source.listeners,
    policy: { revision, rules, tests, version: bundle?.version ?? null },
    reportOnly: recent.isReportOnly,
    lastReload: recent.lastReload ?? null,
    sessions: gate.sessions.count,
    crls: gate.revocations.crls(now()).map(({ file, state, thisUpdate, nextUpdate, entries }) => {
      return { file: shownPath(file), state, thisUpdate: iso(thisUpdate), nextUpdate: iso(nextUpdate), entries }
    }),
    certificates: [{ name: 'broker', notAfter: recent.serverNotAfter ?? source.serverNotAfter }, ...authorities(gate)],
    refusals: { minutes: refusalMinutes, codes: recent.refusals },
    alarms: recent.alarms,
  }
  return { ...facts, trouble: troubleOf(facts, now()) }
}

const iso = (time: number): string => new Date(time).toISOString()

function authorities({ issuers }: Gate): readonly CertificateEnd[] {
  return issuers.all.flatMap(({ name, cas, root }) =>
    [...cas, root].map(({ certificate }) => ({
      name: `${name} ${basename(certificate.file)}`,
      notAfter: iso(certificate.notAfter),
    })),
  )
}

function troubleOf({ lastReload, crls, certificates }: Facts, now: number): readonly string[] {
  const refused = lastReload?.outcome === 'refused' ? ['the last change of the policy was refused'] : []
  const late = crls
    .filter(({ state, nextUpdate }) => state === 'stale' || Date.parse(nextUpdate) < now)
    .map(({ file, state, nextUpdate }) => {
      const how = state === 'stale' ? 'is stale: it' : ''
      return `the CRL ${file} ${how} should have been replaced by ${nextUpdate}`.replaceAll('  ', ' ')
    })
  const ending = certificates
    .filter(({ notAfter }) => Date.parse(notAfter) - now < horizonDays * dayMs)
    .map(
      ({ name, notAfter }) =>
        `the certificate of ${name} ${Date.parse(notAfter) < now ? 'ended' : 'ends'} on ${notAfter}`,
    )
  return [...refused, ...late, ...ending]
}

export function listenerText(scheme: 'mqtts' | 'wss', { address, family, port }: AddressInfo): string {
  const host = family === 'IPv6' ? `[${address}]` : address
  return `${scheme}://${host}:${port}${scheme === 'wss' ? '/mqtt' : ''}`
}
