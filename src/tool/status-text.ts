/** The status of a broker as lines. */
import type { StatusReport } from './admin/status-report.ts'
import { count } from './io.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** `3 d 4 h`, `2 min`, `12 s`: the two largest units. */
export function durationText(seconds: number): string {
  const units = [
    ['d', Math.floor(seconds / day)],
    ['h', Math.floor((seconds % day) / hour)],
    ['min', Math.floor((seconds % hour) / minute)],
    ['s', seconds % minute],
  ] as const
  const first = units.findIndex(([, amount]) => amount > 0)
  if (first === -1) return '0 s'
  return units
    .slice(first, first + 2)
    .filter(([, amount]) => amount > 0)
    .map(([unit, amount]) => `${amount} ${unit}`)
    .join(' ')
}

export function statusLines(report: StatusReport, nowMs: number): readonly string[] {
  const { policy, lastReload, sessions, crls, certificates, refusals, alarms } = report
  const version = policy.version === null ? '' : `, version ${policy.version}`
  const codes = Object.entries(refusals.codes)
  const refused = codes.reduce((sum, [, number]) => sum + number, 0)
  return [
    `portcullis    ${report.portcullis}, process ${report.pid}, up ${durationText(report.upSeconds)}`,
    ...report.listeners.map(listener => `listening     ${listener}`),
    `policy        revision ${policy.revision}${version}, ${policy.rules} rules, ${policy.tests} tests passed`,
    ...(report.reportOnly ? ['              REPORT ONLY: topics are not enforced'] : []),
    `last change   ${lastReload === null ? 'none since the start' : `${lastReload.outcome} at ${lastReload.at}`}`,
    ...(lastReload?.problems ?? []).flatMap(indented),
    `sessions      ${sessions.live} live, ${sessions.kept} kept`,
    ...crls.map(
      ({ file, state, thisUpdate, nextUpdate, entries }) =>
        `crl           ${file}: ${state}, ${count(entries, 'certificate')} revoked, ${age(thisUpdate, nowMs)} old, next by ${nextUpdate}`,
    ),
    ...certificates.map(({ name, notAfter }) => `certificate   ${name}: until ${notAfter}`),
    `refusals      ${refused} in the last ${refusals.minutes} minutes`,
    ...codes.map(([code, number]) => `              ${number} ${code}`),
    ...alarms.flatMap(({ at, text }) => [`alarm         at ${at}`, ...indented(text)]),
  ]
}

function indented(text: string): readonly string[] {
  return text.split('\n').map(line => `              ${line}`)
}

function age(iso: string, nowMs: number): string {
  return durationText(Math.max(0, Math.floor((nowMs - Date.parse(iso)) / 1000)))
}
