/** The admin socket of `serve`: where it is to be, and making it. */
import { resolve } from 'node:path'
import { shellQuote } from '../../policy/shell-quote.ts'
import { ConfigurationError } from '../../problem.ts'
import { shownPath } from '../ca/ca-text.ts'
import { problemLines, say } from '../io.ts'
import type { RunningBroker } from '../start-guarded.ts'
import type { AdminDesk } from './admin-desk.ts'
import { developmentSocket } from './admin-path.ts'

export interface AdminPlan {
  /** Absolute. */
  readonly path: string
  /** One that nobody asked for may be had by another broker of this folder: this one starts without. */
  readonly isAsked: boolean
}

/** `configured` is absolute. Undefined where there is to be none. */
export function planAdmin(
  option: string | undefined,
  configured: string | undefined,
  isDevelopment: boolean,
): AdminPlan | undefined {
  const asked = option === undefined ? configured : resolve(option)
  if (asked !== undefined) return { path: asked, isAsked: true }
  return isDevelopment ? { path: resolve(developmentSocket), isAsked: false } : undefined
}

/** Opens the socket, and gives the line that says so. Rejects, and stops the broker, where one was asked for and cannot be had. */
export async function openAdmin(
  desk: AdminDesk,
  plan: AdminPlan | undefined,
  running: RunningBroker,
  certFile: string,
): Promise<readonly string[]> {
  if (plan === undefined) return []
  const { path, isAsked } = plan
  try {
    await desk.open(path, running, certFile)
  } catch (error) {
    if (isAsked || !(error instanceof ConfigurationError)) {
      await running.close()
      throw error
    }
    for (const line of error.problems.flatMap(problemLines)) say(line)
    return []
  }
  // the one of development is where the commands look for it: the six lines of a start stay six
  return isAsked
    ? [`watch    npx portcullis watch --admin ${shellQuote(shownPath(path))}     (or: session list, status)`]
    : []
}
