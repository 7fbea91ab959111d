/** `portcullis session list`: who is connected, and whose sessions are kept. */
import type { Command } from 'commander'
import { type AdminOptions, addAdminOption } from '../admin/admin-path.ts'
import { AdminError, askAdmin, cut, notOurs } from '../admin/ask-admin.ts'
import { mostPatterns } from '../admin/protocol.ts'
import type { SessionRow } from '../admin/session-row.ts'
import { withAdmin } from '../admin/with-admin.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson, count, say } from '../io.ts'
import { sessionLines } from './session-text.ts'

interface ListOptions extends AdminOptions {
  readonly identity?: readonly string[]
  readonly json?: boolean
}

export function addSessionList(session: Command): void {
  addExitCodes(
    addAdminOption(session.command('list').description('list the sessions, live and kept'))
      .option(
        '--identity <pattern...>',
        `only these: an identity or its beginning, a client id; * is any text; up to ${mostPatterns}`,
      )
      .option('--json', 'answer as JSON')
      .action(list),
    'portcullis session list --identity device:site=s1',
  )
}

async function list(options: ListOptions): Promise<void> {
  await withAdmin(options, async path => {
    const found = await readSessions(path, options.identity ?? [])
    if (options.json) answerJson(found)
    else if (found.length > 0) for (const line of sessionLines(found)) answer(line)
    const live = found.filter(one => one.state === 'live').length
    say(`${count(found.length, 'session')}: ${live} live, ${found.length - live} kept`, 'faint')
  })
}

async function readSessions(path: string, identity: readonly string[]): Promise<readonly SessionRow[]> {
  const found: SessionRow[] = []
  for await (const fields of askAdmin(path, { command: 'session list', identity })) {
    if (fields.get('end') === true) return found
    const page = fields.get('sessions')
    if (!Array.isArray(page)) throw new AdminError(notOurs(path))
    found.push(...(page as readonly SessionRow[]))
  }
  throw new AdminError(cut(path))
}
