/** Operation: what `serve` is to whoever operates it: health, readiness and metrics, and what signals do. */
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../observe/clock.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { type OperateListener, openOperate } from '../../observe/operate-listener.ts'
import { Readiness } from '../../observe/readiness.ts'
import { tellUnready } from '../../observe/tell-unready.ts'
import { type Problem, problem } from '../../problem.ts'
import type { Trace } from '../../trace.ts'
import type { RunningBroker } from '../start-guarded.ts'
import { gateChecks } from './gate-checks.ts'
import { metricsSource } from './metrics-source.ts'
import type { OperateSettings } from './operate-settings.ts'

export interface Operation {
  /** Other parts of a node add what they know against it. */
  readonly readiness: Readiness
  /** Where the operate listener is; undefined where there is none. */
  readonly address: AddressInfo | undefined
  /** Takes every event of the gate. */
  readonly trace: Trace
  /** The broker listens now; `tell` takes why it becomes unready. */
  watch(running: RunningBroker, tell: Trace): void
  /** Not ready from now on: the broker stops. */
  drain(): void
  close(): Promise<void>
}

/**
 * Opens it before the broker, which is not ready until `watch`. Rejects with Node's error where the address cannot be had.
 * @example const operation = await openOperation({ host: '127.0.0.1', port: 9464 })
 */
export async function openOperation({ host, port }: Pick<OperateSettings, 'host' | 'port'>): Promise<Operation> {
  const readiness = new Readiness()
  let standing: Problem | undefined = problem('enforce/not-listening', 'the broker does not listen yet')
  readiness.add({ name: 'broker', problem: () => standing })
  const metrics = port === undefined ? undefined : createMetrics()
  let listener: OperateListener | undefined
  let endTelling: (() => void) | undefined
  if (port !== undefined && metrics !== undefined) listener = await openOperate({ host, port, readiness, metrics })
  return {
    readiness,
    address: listener?.address,
    trace: event => metrics?.trace(event),
    watch: (running, tell) => {
      standing = undefined
      for (const check of gateChecks(running.gate)) readiness.add(check)
      const { clusterProblem } = running
      if (clusterProblem !== undefined) readiness.add({ name: 'cluster', problem: clusterProblem })
      metrics?.watch(metricsSource(running.gate, running.listener, readiness))
      endTelling = tellUnready(readiness, tell, systemClock)
    },
    drain: () => {
      endTelling?.()
      standing = problem('enforce/draining', 'the broker is stopping')
    },
    close: async () => listener?.close(),
  }
}
