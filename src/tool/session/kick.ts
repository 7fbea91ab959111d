/** `portcullis session kick`: ends the connection of a client id, and on request what is kept of it. */
import type { Command } from 'commander'
import { type AdminOptions, addAdminOption } from '../admin/admin-path.ts'
import { askOnce } from '../admin/ask-admin.ts'
import { withAdmin } from '../admin/with-admin.ts'
import { exitCodes } from '../exit-codes.ts'
import { addExitCodes } from '../help.ts'
import { answer, say } from '../io.ts'

interface KickOptions extends AdminOptions {
  readonly forget?: boolean
}

export function addSessionKick(session: Command): void {
  addExitCodes(
    addAdminOption(
      session
        .command('kick')
        .description(
          'end the connection of a client id; its will is sent where it may be. The device may come back: `device revoke` keeps it out',
        ),
    )
      .argument('<client-id>', 'as `session list` shows it')
      .option('--forget', 'end what is kept of it too: subscriptions, and messages that wait')
      .action(kick),
    'portcullis session kick pump-7 --forget',
  )
}

async function kick(clientId: string, options: KickOptions): Promise<void> {
  await withAdmin(options, async path => {
    const forget = options.forget === true
    const fields = await askOnce(path, { command: 'session kick', clientId, forget })
    const [wasLive, forgotten] = [fields.get('wasLive') === true, fields.get('forgotten') === true]
    if (wasLive) answer(`${clientId} was connected, and is no more`)
    if (forgotten) answer(`what was kept of ${clientId} is gone`)
    if (wasLive || forgotten) return
    say(
      `${clientId} is not connected${forget ? ', and nothing is kept of it' : '; what is kept of it ends with --forget'}`,
    )
    process.exitCode = exitCodes.no
  })
}
