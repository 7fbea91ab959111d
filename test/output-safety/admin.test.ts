/** Sink: what the commands of the admin socket print. A broker that says every hostile name, and the built command in front of it. */
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { AdminServer, type AnswerAdmin } from '../../src/tool/admin/admin-server.ts'
import type { SessionDetail, SessionRow } from '../../src/tool/admin/session-row.ts'
import type { StatusReport } from '../../src/tool/admin/status-report.ts'
import { inFolder } from '../cli/script.ts'
import { portcullis } from './command.ts'
import { argumentNames, everyArgument, everyName, expectClean, expectKept, expectShown } from './fleet.ts'

const timeout = 60_000
let server: AdminServer | undefined
afterEach(() => server?.close())

const row = (name: string): SessionRow => ({
  clientId: name,
  identity: name,
  state: 'live',
  address: name,
  since: name,
  notAfter: name,
  subscriptions: 1,
  queued: 0,
})

const detail = (name: string): SessionDetail => ({
  ...row(name),
  clean: false,
  certificate: { subject: name, sha256: name, serial: name, issuer: name, issuerName: name, notBefore: name },
  revision: name,
  roles: [name],
  subscriptions: [{ filter: name, qos: 0 }],
  queued: { messages: 0, bytes: 0 },
  decided: null,
})

const all = everyName.join(' ')
const report: StatusReport = {
  portcullis: all,
  pid: 1,
  upSeconds: 1,
  listeners: everyName,
  policy: { revision: all, rules: 1, tests: 1, version: null },
  reportOnly: false,
  lastReload: { at: all, outcome: 'refused', problems: everyName },
  sessions: { live: 1, kept: 0 },
  crls: [{ file: all, state: 'stale', thisUpdate: all, nextUpdate: all, entries: 1 }],
  certificates: everyName.map(name => ({ name, notAfter: name })),
  refusals: { minutes: 5, codes: Object.fromEntries(everyName.map(name => [`x${name}`, 1])) },
  alarms: [{ at: all, text: all }],
  trouble: everyName,
}

const answer: AnswerAdmin = async (request, client) => {
  if (request.command === 'session list') {
    await client.send({ ok: true, sessions: everyName.map(row) })
    return client.send({ ok: true, end: true })
  }
  if (request.command === 'session show') return client.send({ ok: true, session: detail(all) })
  if (request.command === 'session kick') return client.send({ ok: true, wasLive: true, forgotten: true })
  if (request.command === 'status') return client.send({ ok: true, status: report })
  for (const line of everyName) await client.send({ ok: true, line })
}

function withBroker(use: (folder: string) => Promise<void>): Promise<void> {
  return inFolder(new Map(), async folder => {
    server = await AdminServer.open({ path: join(folder, 'certs-dev', 'portcullis.sock'), answer })
    await use(folder)
  })
}

test('session list, show and status, as text', { timeout }, () =>
  withBroker(async folder => {
    expectShown((await portcullis(folder, ['session', 'list'])).stdout, everyName)
    expectShown((await portcullis(folder, ['session', 'show', 'x'])).stdout, everyName)
    const status = await portcullis(folder, ['status'])
    expect(status.exit).toBe(2)
    // line breaks of a problem's help are its own
    expectClean(status.stdout)
    expectShown(status.stderr, everyName)
  }),
)

test('and as JSON: every name as it is', { timeout }, () =>
  withBroker(async folder => {
    const wellFormed = everyName
    expectKept((await portcullis(folder, ['session', 'list', '--json'])).stdout, wellFormed)
    expectKept((await portcullis(folder, ['session', 'show', 'x', '--json'])).stdout, [all])
    expectKept((await portcullis(folder, ['status', '--json'])).stdout, wellFormed)
  }),
)

test('watch, and what was typed', { timeout }, () =>
  withBroker(async folder => {
    // the broker ends this watch, which no broker does
    const watch = await portcullis(folder, ['watch'])
    expectShown(watch.stdout, everyName)
    expect(watch.stderr).toContain('tool/admin-answer: ')
    const kick = await portcullis(folder, ['session', 'kick', '--', everyArgument])
    expectShown(kick.stdout, argumentNames)
    expect(kick.stdout.split('\n')).toHaveLength(3)
  }),
)
