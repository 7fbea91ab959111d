/**
 * The guard's hooks for aedes, one file each: `hook-login`, `hook-publish`, `hook-subscribe`, `hook-forward`. Each asks the
 * session, then whatever hook the host has; the host's can only narrow. A hook that throws ends aedes' process, so every
 * one of these refuses instead.
 */
import type { Duplex } from 'node:stream'
import type { Gate } from '../../gate.ts'
import { type Problem, problem } from '../../problem.ts'
import type { RetainedTopics } from '../retained-topics.ts'
import type { Connection } from './connection.ts'
import type { Deliveries } from './deliveries.ts'
import type { PublishEncoder } from './fast/publish-encoder.ts'
import type { AedesBroker, AedesHooks, AedesPublish } from './shape.ts'
import type { SubscribeBatches } from './subscribe-batches.ts'

/** One guarded broker. */
export interface GuardContext {
  readonly gate: Gate
  readonly broker: AedesBroker
  readonly connectionOf: (conn: Duplex) => Connection | undefined
  readonly deliveries: Deliveries
  readonly batches: SubscribeBatches
  readonly retained: RetainedTopics
  /** Whether aedes' own insides may be used. */
  readonly isFast: boolean
  /** Where deliveries at QoS 0 are written here rather than by aedes. */
  readonly encoder: PublishEncoder | undefined
  /** The answer to this publish waits until it is stored, where the store outlives the process. */
  readonly holdAnswer: (packet: AedesPublish) => void
}

export interface HookContext extends GuardContext {
  /** The host's own hook, as it is now. */
  readonly host: <K extends keyof AedesHooks>(name: K) => AedesHooks[K]
}

/** What the guard keeps for itself: no rule can name it, and nobody publishes, subscribes or is sent anything there. */
export const reservedTopics = '$portcullis/'

/** Where the publishes go that a session may not make and that are dropped rather than answered by a close: nobody can subscribe there. */
export const sinkTopic: string = `${reservedTopics}dropped`

export const internal = (error: unknown): Problem =>
  problem('enforce/internal', `a check failed and refused: ${error instanceof Error ? error.message : 'unknown error'}`)

export const unguarded = (): Problem => problem('enforce/not-guarded', 'a connection reached the broker past the guard')

/** An error that aedes reports and closes the connection with; it carries no more than the refusal's code. */
export function refusal(p: Problem, returnCode?: number): Error & { returnCode?: number } {
  return Object.assign(new Error(p.code), returnCode === undefined ? {} : { returnCode })
}
