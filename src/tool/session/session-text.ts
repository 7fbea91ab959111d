/** Sessions as lines: a table of many, everything of one. */
import { escapeTerminal } from '../../observe/escape-terminal.ts'
import type { SessionDetail, SessionRow } from '../admin/session-row.ts'
import { count } from '../io.ts'
import { tableLines } from '../table-lines.ts'

const none = '-'

/** `2026-11-28 10:31:20Z` */
export function timeText(iso: string | null): string {
  return iso === null ? none : iso.replace('T', ' ').replace(/\.\d+Z$/, 'Z')
}

/** By client id. */
export function sessionLines(sessions: readonly SessionRow[]): readonly string[] {
  const rows = sessions
    .toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1))
    .map(one => [
      escapeTerminal(one.clientId),
      escapeTerminal(one.identity ?? none),
      one.state,
      one.address ?? none,
      timeText(one.since),
      one.notAfter === null ? none : one.notAfter.slice(0, 10),
      String(one.subscriptions),
      String(one.queued),
    ])
  const heads = ['CLIENT ID', 'IDENTITY', 'STATE', 'ADDRESS', 'SINCE', 'CERT UNTIL', 'SUBS', 'QUEUED']
  return tableLines(heads, rows)
}

export function detailLines(session: SessionDetail): readonly string[] {
  const { certificate, decided, queued, subscriptions } = session
  const kept = session.clean ? 'nothing is kept of it' : 'kept when it is not connected'
  return [
    `client id      ${session.clientId}`,
    `identity       ${session.identity ?? 'nobody any more under the policy in force'}`,
    `state          ${session.state}, ${kept}`,
    ...(session.state === 'live' ? [`connected      from ${session.address} since ${timeText(session.since)}`] : []),
    ...(certificate === null
      ? []
      : [
          `certificate    ${certificate.subject}`,
          `  issuer       ${certificate.issuer ?? 'of no configured CA'} (${certificate.issuerName})`,
          `  serial       ${certificate.serial}`,
          `  sha256       ${certificate.sha256}`,
          `  until        ${timeText(session.notAfter)}`,
        ]),
    `policy         ${session.revision === null ? none : `revision ${session.revision}`}`,
    `roles          ${session.roles.join(', ') || none}`,
    `subscriptions  ${subscriptions.length}`,
    ...subscriptions.map(({ filter, qos }) => `  QoS ${qos}        ${filter}`),
    `queued         ${count(queued.messages, 'message')}, ${count(queued.bytes, 'byte')}`,
    ...(decided === null ? [] : [`decided        ${decided.permits} permitted, ${decided.refusals} refused`]),
  ]
}
