/** docs/audit.md as it stands: its blocks with a broker that misses a revocation, their output, and its table of checks. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { logTrace } from '../../src/observe/log.ts'
import { auditChecks, auditCodes } from '../../src/prove/audit/audit-checks.ts'
import { startGuarded } from '../../src/tool/start-guarded.ts'
import type { TracedPeer } from '../../src/trace.ts'
import { root } from '../support/files.ts'
import { RawClient } from '../support/raw-client.ts'
import { openTour } from '../support/tour.ts'

const { folder, blocks, shell, run, credentials, close } = openTour('docs/audit.md')
afterAll(close)
const page = readFileSync(new URL('docs/audit.md', root), 'utf8')

/** What differs from run to run. */
const settled = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
    .replace(/\b[0-9a-f]{32}\b/g, 'SERIAL')
    .trimEnd()

const outputs = [...page.matchAll(/^```text\n(LEVEL.*?)^```$/gms)].map(match => settled(match[1] ?? ''))

/** Both devices connect; what the broker tells is the log, and who is there the sessions. */
async function connectBoth(): Promise<() => Promise<void>> {
  const lines: string[] = []
  const peers: TracedPeer[] = []
  const log = logTrace({ format: 'json', policies: 'policies', write: line => lines.push(line) })
  const broker = await startGuarded(
    {
      policies: join(folder, 'policies'),
      baseFolder: join(folder, 'ca'),
      issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem' } },
      trace: event => {
        log(event)
        if (event.event === 'connected') peers.push(event.peer)
      },
    },
    { port: 0, host: '127.0.0.1', tls: { keyFile: join(folder, 'broker.key'), certFile: join(folder, 'broker.pem') } },
  )
  const clients: RawClient[] = []
  for (const name of ['pump-12', 'pump-13']) {
    const { client, code } = await RawClient.connect(broker.address.port, credentials(name), name)
    expect(code).toBe(0)
    clients.push(client)
  }
  const sessions = peers.map(({ who: identity, ...peer }) => ({ ...peer, identity, state: 'live' }))
  writeFileSync(join(folder, 'decisions.log'), lines.join(''))
  writeFileSync(join(folder, 'sessions.json'), JSON.stringify(sessions))
  return async () => {
    for (const { socket } of clients) socket.destroy()
    await broker.close()
  }
}

test('a fleet whose broker missed a revocation', { timeout: 120_000 }, async () => {
  const [create, first, revoke, second, ...more] = blocks
  expect([more, outputs.length]).toEqual([[], 2])
  await run(create)
  expect(settled(await run(first))).toBe(outputs[0])
  await run('portcullis ca server broker --dns localhost --ip 127.0.0.1')
  const leave = await connectBoth()
  try {
    await run(revoke)
    const { exit, stdout } = await shell(second ?? '')
    expect([exit, settled(stdout)]).toEqual([2, outputs[1]])
  } finally {
    await leave()
  }
})

test('the table of the page is the table of the code', () => {
  const rows = auditCodes.map(code => {
    const { level, needs, from, meaning } = auditChecks[code]
    const options = [
      ...needs.map(one => `\`--${one}\``),
      ...(from ? [from.map(one => `\`--${one}\``).join(' or ')] : []),
    ]
    return `| \`${code}\` | ${level} | ${options.join(', ')} | ${meaning} |`
  })
  expect(page.match(/^\| `.*\|$/gm)?.map(row => row.replace(/ +/g, ' '))).toEqual(rows)
})
