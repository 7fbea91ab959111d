/** `portcullis session show`: everything of one session. */
import type { Command } from 'commander'
import { type AdminOptions, addAdminOption } from '../admin/admin-path.ts'
import { AdminError, askOnce, notOurs } from '../admin/ask-admin.ts'
import type { SessionDetail } from '../admin/session-row.ts'
import { withAdmin } from '../admin/with-admin.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson } from '../io.ts'
import { detailLines } from './session-text.ts'

interface ShowOptions extends AdminOptions {
  readonly json?: boolean
}

export function addSessionShow(session: Command): void {
  addExitCodes(
    addAdminOption(session.command('show').description('show one session: certificate, roles, subscriptions, queue'))
      .argument('<client-id>', 'as `session list` shows it')
      .option('--json', 'answer as JSON')
      .action(show),
    'portcullis session show pump-7',
  )
}

async function show(clientId: string, options: ShowOptions): Promise<void> {
  await withAdmin(options, async path => {
    const session = (await askOnce(path, { command: 'session show', clientId })).get('session')
    if (typeof session !== 'object' || session === null) throw new AdminError(notOurs(path))
    if (options.json) answerJson(session)
    else for (const line of detailLines(session as SessionDetail)) answer(line)
  })
}
