/** A guarded broker as `serve` and `demo` run it: gate, broker, listener, and how to stop all three. */
import type { AddressInfo } from 'node:net'
import {
  type Guarded,
  type GuardOptions,
  guard,
  type Listening,
  type ListenOptions,
  listen,
} from '../enforce/aedes/index.ts'
import type { Gate } from '../gate.ts'
import type { GateOptions } from '../gate-options.ts'
import { openGate } from '../open-gate.ts'
import type { Problem } from '../problem.ts'
import { watchFiles } from '../source/watch-files.ts'
import { createBroker } from './broker.ts'
import type { Persistence } from './configured-persistence.ts'

export interface RunningBroker {
  readonly gate: Gate
  readonly address: AddressInfo
  /** Where WebSocket is served, if it is. */
  readonly wsAddress?: AddressInfo
  readonly fastPath: boolean
  readonly inspect: Guarded['inspect']
  readonly listener: Pick<Listening, 'connections' | 'certificateEnd' | 'stop'>
  /** Reads everything anew that its watchers watch: CAs and CRLs, its own key and certificate, policies, the candidate. */
  reload(): Promise<void>
  /** Ends all sessions politely, within that time; call `listener.stop` before. */
  drain(withinMs: number): Promise<void>
  /** Why it should get no clients, as one of a cluster; undefined where nothing speaks against it. */
  readonly clusterProblem?: () => Problem | undefined
  close(): Promise<void>
}

/** Rejects as `openGate` and `listen` do; nothing is left running then. */
export async function startGuarded(
  gateOptions: GateOptions,
  listenOptions: ListenOptions,
  guardOptions: GuardOptions = {},
  persistence: Persistence = { kind: 'memory' },
): Promise<RunningBroker> {
  const { broker, owners, timeMemory, cluster, close } = await createBroker(persistence)
  const kept = {
    ...(owners && { owners }),
    ...(timeMemory && { timeMemory }),
    ...(cluster && { registry: cluster.registry }),
  }
  const gate = await openGate({ ...gateOptions, ...kept }).catch(async error => {
    await close()
    throw error
  })
  try {
    const guarded = guard(broker, gate, guardOptions)
    await guarded.restore({ isShared: cluster !== undefined })
    await cluster?.join(gate)
    const listener = await listen(guarded, listenOptions)
    const { keyFile, certFile } = listenOptions.tls
    const watcher = await watchFiles([keyFile, certFile], () => void listener.reloadTls())
    return {
      gate,
      address: listener.address,
      listener,
      reload: async () => {
        // policies are checked against the issuers
        await Promise.all([gate.reloadTrust(), listener.reloadTls()])
        await gate.reload()
        await gate.reloadCandidate()
      },
      drain: async withinMs => void (await guarded.drain(withinMs)),
      fastPath: guarded.fastPath,
      inspect: guarded.inspect,
      ...(cluster && { clusterProblem: () => cluster.problem() }),
      ...(listener.wsAddress === undefined ? {} : { wsAddress: listener.wsAddress }),
      close: async () => {
        await Promise.all([listener.close(), watcher.close()])
        await Promise.all([gate.close(), close()])
      },
    }
  } catch (error) {
    await Promise.all([gate.close(), close()])
    throw error
  }
}
