/** The commands of the admin socket, answered by the broker that it belongs to. */
import { setImmediate } from 'node:timers/promises'
import { type Clock, systemClock } from '../../observe/clock.ts'
import { problem } from '../../problem.ts'
import type { AdminClient, AnswerAdmin } from './admin-server.ts'
import type { AdminRequest } from './protocol.ts'
import { type SessionRow, type SessionSource, sessionDetail, sessionRow } from './session-row.ts'
import { type StatusSource, statusReport } from './status-report.ts'
import type { Watchers, WatchRequest } from './watchers.ts'
import { fitsWho } from './who-pattern.ts'

export interface AdminSource extends SessionSource, StatusSource {
  readonly watchers: Watchers
  readonly clock?: Pick<Clock, 'now'>
}

/** Rows of one answer. */
const pageLength = 64
/** Who a kept session is may have to be found out anew, which takes milliseconds for each. */
const sliceMs = 4

type Answers = {
  readonly [C in AdminRequest['command']]: (
    request: Extract<AdminRequest, { command: C }>,
    client: AdminClient,
  ) => Promise<void>
}

/** @example AdminServer.open({ path, answer: answerRequest(source) }) */
export function answerRequest(source: AdminSource): AnswerAdmin {
  const answers: Answers = {
    status: (_, client) => client.send({ ok: true, status: statusReport(source) }),
    'session list': ({ identity }, client) => listSessions(source, identity, client),
    'session show': ({ clientId }, client) => showSession(source, clientId, client),
    'session kick': (request, client) => kickSession(source, request, client),
    watch: (request, client) => watch(source.watchers, request, client),
  }
  return (request, client) => answers[request.command](request as never, client)
}

/** In slices, so that 50,000 sessions hold nobody up; a client that does not read is waited for. */
async function listSessions(source: AdminSource, patterns: readonly string[], client: AdminClient): Promise<void> {
  const { clientIds } = source.gate.sessions
  const { now } = source.clock ?? systemClock
  let began = now()
  for (let at = 0; at < clientIds.length && !client.hasGone(); at += pageLength) {
    const rows: SessionRow[] = []
    for (const clientId of clientIds.slice(at, at + pageLength)) {
      const row = await sessionRow(source, clientId)
      if (row !== undefined && fitsWho(patterns, [row.identity ?? undefined, row.clientId])) rows.push(row)
      if (now() - began < sliceMs) continue
      await setImmediate()
      began = now()
    }
    if (rows.length > 0) await client.send({ ok: true, sessions: rows })
  }
  await client.send({ ok: true, end: true })
}

async function showSession(source: SessionSource, clientId: string, client: AdminClient): Promise<void> {
  const session = await sessionDetail(source, clientId)
  if (session === undefined) return client.fail(noSession(clientId))
  return client.send({ ok: true, session })
}

async function kickSession(
  { gate }: SessionSource,
  { clientId, forget }: Extract<AdminRequest, { command: 'session kick' }>,
  client: AdminClient,
): Promise<void> {
  if (gate.sessions.find(clientId) === undefined) return client.fail(noSession(clientId))
  // who may open the socket is this user, or root
  const kicked = await gate.sessions.kick(clientId, { forget, by: `admin, uid ${process.getuid?.() ?? 'unknown'}` })
  return client.send({ ok: true, ...kicked })
}

const noSession = (clientId: string) =>
  problem('tool/no-session', `there is no session of ${clientId}`, {
    help: 'look it up with `portcullis session list`',
  })

/** Until the client goes. */
async function watch(watchers: Watchers, request: WatchRequest, client: AdminClient): Promise<void> {
  const end = watchers.add(request, { write: client.post, isDrained: client.isDrained })
  await client.send({ ok: true })
  await client.gone
  end()
}
