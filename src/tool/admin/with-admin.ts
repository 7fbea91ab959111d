/** Runs a command against a running broker, and makes an exit code of what it says. */
import { exitCodes } from '../exit-codes.ts'
import { sayProblems } from '../io.ts'
import { type AdminOptions, adminPath } from './admin-path.ts'
import { AdminError } from './ask-admin.ts'

/** `use` gets the socket. A session that is not there is an answer; whatever else goes wrong is a failure. */
export async function withAdmin(options: AdminOptions, use: (path: string) => Promise<void>): Promise<void> {
  const path = await adminPath(options, process.cwd())
  try {
    await use(path)
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    sayProblems([error.problem])
    process.exitCode = error.problem.code === 'tool/no-session' ? exitCodes.no : exitCodes.failed
  }
}
