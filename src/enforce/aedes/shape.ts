/** The part of aedes 1.2 that the guard touches: structural types, so that importing the guard imports no broker. */
import type { Duplex, Readable } from 'node:stream'

export type Qos = 0 | 1 | 2

export interface AedesPublish {
  readonly cmd?: string
  topic: string
  payload: Buffer | string
  qos: Qos
  retain: boolean
  dup?: boolean
  messageId?: number | undefined
  brokerId?: string
  brokerCounter?: number
  clientId?: string
}

export interface AedesConnect {
  clientId: string
  protocolVersion?: number
}

export interface AedesSubscription {
  topic: string
  qos: Qos
}

/** A subscription as the persistence keeps it. */
export interface StoredSubscription extends AedesSubscription {
  readonly clientId: string
}

export interface AedesClient {
  readonly id: string
  readonly conn: Duplex
  readonly clean: boolean
  readonly closed: boolean
  readonly connackSent: boolean
  readonly connecting: boolean
  /** Of aedes 1.x, not documented: sends a message as its subscription would. */
  readonly deliverQoS?: (packet: AedesPublish, done: () => void) => void
  readonly connected: boolean
  readonly subscriptions: Readonly<Record<string, AedesSubscription>>
  will?: unknown
  _will?: unknown
  /** The highest counter of each broker that it was sent a message of. */
  duplicates?: Readonly<Record<string, number>>
  pause(): void
  unsubscribe(filters: string[], done: () => void): void
}

export type Callback<T extends unknown[] = []> = (error: Error | null, ...rest: T) => void

/** The hooks that the guard stands in front of, whatever the host has there, now or later. */
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

type ById = { readonly id: string }

/** The methods of a persistence that the guard wraps or uses. */
export interface AedesPersistence {
  storeRetained(packet: AedesPublish): Promise<unknown>
  createRetainedStream(pattern: string): AsyncIterable<AedesPublish>
  createRetainedStreamCombi(patterns: string[]): Readable
  addSubscriptions(client: AedesClient, subscriptions: AedesSubscription[]): Promise<unknown>
  removeSubscriptions(client: ById, topics: string[]): Promise<unknown>
  cleanSubscriptions(client: ById): Promise<unknown>
  subscriptionsByClient(client: ById): Promise<AedesSubscription[]>
  outgoingEnqueue(subscription: { readonly clientId: string }, packet: AedesPublish): Promise<unknown>
  subscriptionsByTopic(topic: string): Promise<readonly StoredSubscription[]>
  outgoingEnqueueCombi(subscriptions: StoredSubscription[], packet: AedesPublish): Promise<unknown>
  outgoingUpdate(client: ById, packet: AedesPublish): Promise<unknown>
  outgoingClearMessageId(client: ById, packet: AedesPublish): Promise<AedesPublish | undefined>
  outgoingStream(client: ById): Readable
  incomingGetPacket(client: ById, packet: AedesPublish): Promise<AedesPublish>
  incomingDelPacket(client: ById, packet: AedesPublish): Promise<unknown>
  incomingStorePacket(client: ById, packet: AedesPublish): Promise<unknown>
  cleanIncoming?: ((client: ById) => Promise<unknown>) | undefined
  putWill(client: AedesClient, packet: AedesPublish): Promise<unknown>
  delWill(client: { id: string; brokerId?: string }): Promise<unknown>
  streamWill(brokers: Readonly<Record<string, unknown>>): Readable
}

/** A function that aedes calls with each message of a subscription. */
export type Deliver = (this: unknown, packet: AedesPublish, done: () => void) => void

type Done = (error?: Error | null) => void

/** Routes a message; calls back when it is stored for whoever is away, and with whoever is there. */
export type Publish = (this: AedesBroker, packet: AedesPublish, client: AedesClient | null | Done, done: Done) => void

export interface AedesBroker extends AedesHooks {
  readonly id: string
  readonly version?: string
  readonly clients: Readonly<Record<string, AedesClient | undefined>>
  persistence: AedesPersistence
  handle: (conn: Duplex, request?: unknown) => unknown
  /** Of the last message that was published here. */
  readonly counter: number
  readonly mq: { emit(packet: AedesPublish, done?: (error?: Error | null) => void): unknown }
  publish: Publish
  registerClient(client: AedesClient): void
  subscribe(topic: string, deliver: Deliver, done: () => void): void
  unsubscribe(topic: string, deliver: Deliver, done?: () => void): void
  readonly closed: boolean
  on(event: string, listener: (...args: never[]) => void): unknown
  emit(event: string, ...values: readonly unknown[]): boolean
}
