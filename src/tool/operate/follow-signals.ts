/** Signals: SIGTERM and SIGINT drain and stop, a second one stops at once; SIGHUP reads everything anew. */

import { setTimeout as wait } from 'node:timers/promises'
import { isatty } from 'node:tty'
import type { Trace } from '../../trace.ts'
import { exitCodes } from '../exit-codes.ts'
import type { RunningBroker } from '../start-guarded.ts'
import type { OperateSettings } from './operate-settings.ts'
import type { Operation } from './operation.ts'
import type { Reloader } from './reloader.ts'

export interface FollowedParts {
  readonly running: RunningBroker
  readonly operation: Operation
  readonly reloader: Reloader
  readonly settings: OperateSettings
  readonly trace: Trace
  /** Ends everything else, the log last. */
  readonly close: () => Promise<unknown>
}

/** Its file descriptor. */
const stdout = 1

/** Of the time for the drain, what closing listeners and stores may need of it. */
const closingMs = 500

/** Call once the broker runs. The process ends with exit code 0 after a drain, and with 1 where it was cut short. */
export function followSignals(parts: FollowedParts): void {
  let isStopping = false
  const onStop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(exitCodes.failed)
    isStopping = true
    stop(parts, signal).then(
      () => process.exit(exitCodes.done),
      () => process.exit(exitCodes.failed),
    )
  }
  process.on('SIGINT', onStop)
  process.on('SIGTERM', onStop)
  const hadTerminal = isatty(stdout)
  process.on('SIGHUP', signal => {
    // its other meaning: the terminal that it was started on is gone, and whoever closed it thinks that this is too
    if (hadTerminal && !isatty(stdout)) onStop(signal)
    else if (!isStopping) void parts.reloader.run(() => parts.running.reload())
  })
}

async function stop({ running, operation, settings, trace, close }: FollowedParts, signal: string): Promise<void> {
  const { graceSeconds, drainSeconds } = settings
  operation.drain()
  trace({ event: 'stopping', signal, sessions: running.gate.sessions.totals.live, graceSeconds, drainSeconds })
  if (graceSeconds > 0) await wait(graceSeconds * 1000)
  running.listener.stop()
  // whatever hangs: who told us to stop will not wait for ever
  setTimeout(() => process.exit(exitCodes.failed), drainSeconds * 1000).unref()
  await running.drain(drainSeconds * 1000 - closingMs)
  await running.close()
  await operation.close()
  await close()
}
