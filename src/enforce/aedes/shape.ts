/** The part of aedes 1.2 that the guard touches: structural types, so that importing the guard imports no broker. */
import type { Duplex } from 'node:stream'

export interface AedesPublish {
  topic: string
  payload: Buffer | string
  qos: 0 | 1 | 2
  retain: boolean
  dup?: boolean
}

export interface AedesConnect {
  clientId: string
  protocolVersion?: number
  clean?: boolean
  will?: { topic: string; payload: Buffer | string; qos: 0 | 1 | 2; retain: boolean }
}

export interface AedesSubscription {
  topic: string
  qos: 0 | 1 | 2
}

export interface AedesClient {
  readonly id: string
  readonly conn: Duplex
  readonly clean: boolean
  will?: unknown
  pause(): void
}

export type Callback<T extends unknown[] = []> = (error: Error | null, ...rest: T) => void

/** The six hooks; the guard puts its own in front of whatever the host has, now or later. */
export interface AedesHooks {
  preConnect(client: AedesClient, packet: AedesConnect, callback: Callback<[boolean]>): void
  authenticate(
    client: AedesClient,
    username: unknown,
    password: unknown,
    callback: (error: (Error & { returnCode?: number }) | null, ok: boolean | null) => void,
  ): void
  authorizePublish(client: AedesClient | null, packet: AedesPublish, callback: (error?: Error | null) => void): void
  authorizeSubscribe(
    client: AedesClient | null,
    subscription: AedesSubscription,
    callback: Callback<[AedesSubscription | null]>,
  ): void
  authorizeForward(client: AedesClient, packet: AedesPublish): AedesPublish | null | undefined
}

export interface AedesBroker extends AedesHooks {
  readonly id: string
  readonly version?: string
  handle: (conn: Duplex, request?: unknown) => unknown
  readonly persistence: {
    delWill(client: { id: string; brokerId?: string }): Promise<unknown>
    removeSubscriptions(client: unknown, topics: string[]): Promise<unknown>
  }
  on(event: string, listener: (...args: never[]) => void): unknown
}
