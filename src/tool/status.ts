/** `portcullis status`: how a running broker is; exit code 2 where somebody must do something. */
import type { Command } from 'commander'
import { type AdminOptions, addAdminOption } from './admin/admin-path.ts'
import { AdminError, askOnce, notOurs } from './admin/ask-admin.ts'
import type { StatusReport } from './admin/status-report.ts'
import { withAdmin } from './admin/with-admin.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, say } from './io.ts'
import { statusLines } from './status-text.ts'

interface StatusOptions extends AdminOptions {
  readonly json?: boolean
}

export function addStatus(program: Command): void {
  addExitCodes(
    addAdminOption(
      program
        .command('status')
        .description(
          'how a running broker is: policy, sessions, CRLs, certificates, refusals; exit code 2 where something is wrong',
        ),
    )
      .option('--json', 'answer as JSON')
      .action(status),
    'portcullis status || mail -s "portcullis" operator',
  )
}

async function status(options: StatusOptions): Promise<void> {
  await withAdmin(options, async path => {
    const report = (await askOnce(path, { command: 'status' })).get('status') as StatusReport | undefined
    if (!Array.isArray(report?.trouble)) throw new AdminError(notOurs(path))
    if (options.json) answerJson(report)
    else for (const line of statusLines(report, Date.now())) answer(line)
    for (const trouble of report.trouble) say(`trouble: ${trouble}`, 'bad')
    if (report.trouble.length > 0) process.exitCode = exitCodes.no
  })
}
