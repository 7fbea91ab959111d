/**
 * The conformance suite of adapters: what every guarded broker must do, over real sockets with real certificates. An
 * implementation is one `BrokerUnderTest`; what it cannot do it says in `lacks`, with a reason, and those cases are skipped.
 */
import type tls from 'node:tls'
import type { RawClient } from '../support/raw-client.ts'
import { beforeSessionCases } from './adapter-before-session.ts'
import { keptSessionCases } from './adapter-kept-sessions.ts'
import { messageCases } from './adapter-messages.ts'
import { robustnessCases } from './adapter-robustness.ts'
import { subscriptionCases } from './adapter-subscriptions.ts'
import { willCases } from './adapter-wills.ts'

/** What a broker may lack; a case names what it needs. */
export type Capability =
  /** The policy can be changed while the broker runs. */
  | 'change-policy'
  /** A certificate can be revoked while the broker runs. */
  | 'revoke'
  /** Limits can be set. */
  | 'limits'
  /** The host can assign hooks of its own. */
  | 'host-hooks'

export interface StartOptions {
  /** Changes the text of the sample plant's policy. */
  readonly policy?: (yaml: string) => string
  readonly limits?: Readonly<Record<string, number>>
}

/** A running broker that plays the sample plant: policies/plant.yaml and its development certificates. */
export interface RunningBroker {
  /** TLS, and nothing sent yet. */
  open(name: string, options?: tls.ConnectionOptions): Promise<RawClient>
  /** TLS and CONNECT; the CONNACK code that came back, or `closed`. The client id of a device is its name. */
  connect(
    name: string,
    clientId?: string,
    connect?: Record<string, unknown>,
  ): Promise<{ readonly client: RawClient; readonly code: number | 'closed' }>
  /** Resolves when the change is in force. */
  changePolicy(change: (yaml: string) => string): Promise<void>
  /** Resolves when the revocation is in force. */
  revoke(name: string): Promise<void>
  /** The host assigns, after everything is set up, hooks of its own: that permit everything, or that throw. */
  assignHooks(kind: 'permissive' | 'throwing'): Promise<void>
  /** Resolves if the broker's process ends by itself. */
  readonly crashed: Promise<void>
  close(): Promise<void>
}

export interface BrokerUnderTest {
  readonly name: string
  readonly lacks: Readonly<Partial<Record<Capability, string>>>
  start(options?: StartOptions): Promise<RunningBroker>
}

export interface AdapterCase {
  readonly name: string
  /** Rules of docs/semantics.md. */
  readonly rules: readonly string[]
  /**
   * Weaknesses of an aedes with ordinary hooks that the case shows, by their number in docs/aedes-weaknesses.md: the case
   * must fail on test/support/handmade.ts.
   */
  readonly weaknesses?: readonly number[]
  readonly needs?: readonly Capability[]
  readonly start?: StartOptions
  run(broker: RunningBroker): Promise<void>
}

/** All cases, in the order of a session's life. */
export const adapterCases: readonly AdapterCase[] = [
  ...beforeSessionCases,
  ...subscriptionCases,
  ...messageCases,
  ...willCases,
  ...keptSessionCases,
  ...robustnessCases,
]
