/** The log of a running broker: to stderr or to a file, with the refusals of each certificate within their budget. */
import { open } from 'node:fs/promises'
import { type BudgetedTrace, budgetRefusals } from '../observe/budget.ts'
import { logTrace } from '../observe/log.ts'
import { ConfigurationError, problem } from '../problem.ts'
import type { Trace } from '../trace.ts'
import { exitCodes } from './exit-codes.ts'
import { say } from './io.ts'

export interface Log {
  readonly trace: Trace
  /** Writes what was only counted so far, and resolves once all is written. */
  close(): Promise<void>
}

export interface OpenLogOptions {
  /** The policy folder, for the `policy explain` lines. */
  readonly policies: string
  readonly refusalsPerMinute: number
}

/** Rejects with ConfigurationError where the file cannot be opened. Without a file: stderr, plain on a terminal. */
export async function openLog(file: string | undefined, options: OpenLogOptions): Promise<Log> {
  if (file === undefined) {
    const format = process.stderr.isTTY ? 'plain' : 'json'
    const { trace, close } = budgeted(options, format, line => process.stderr.write(line))
    return { trace, close: async () => close() }
  }
  const handle = await open(file, 'a', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigurationError([
      problem('config/unreadable-file', `the log file ${file} cannot be opened (${error.code})`, {
        help: 'pass another --log FILE',
      }),
    ])
  })
  const stream = handle.createWriteStream()
  stream.on('error', error => {
    say(`the log file cannot be written any more (${error.message}): stopping, since refusals would go unseen`)
    process.exit(exitCodes.failed)
  })
  const { trace, close } = budgeted(options, 'json', line => stream.write(line))
  return {
    trace,
    close: async () => {
      close()
      // not `end`: a socket that closes late still has its line
      await new Promise(resolve => stream.write('', resolve))
    },
  }
}

function budgeted(options: OpenLogOptions, format: 'json' | 'plain', write: (line: string) => void): BudgetedTrace {
  const { policies, refusalsPerMinute } = options
  return budgetRefusals(logTrace({ format, write, policies }), { refusalsPerMinute })
}
