/** Of libraries without types: the parts that are used. */
declare module 'aedes-persistence-level/asyncPersistence.js' {
  import type { Readable } from 'node:stream'

  type ById = { readonly id: string }
  type Packet = import('../shape.ts').AedesPublish
  type Subscription = import('../shape.ts').AedesSubscription
  type StoredSubscription = import('../shape.ts').StoredSubscription

  class AsyncLevelPersistence {
    constructor(db: object)
    setup(broker: object): Promise<void>
    storeRetained(packet: Packet): Promise<void>
    createRetainedStream(pattern: string): Readable
    createRetainedStreamCombi(patterns: string[]): Readable
    addSubscriptions(client: ById, subscriptions: Subscription[]): Promise<void>
    removeSubscriptions(client: ById, topics: string[]): Promise<void>
    cleanSubscriptions(client: ById): Promise<void>
    subscriptionsByClient(client: ById): Promise<Subscription[]>
    subscriptionsByTopic(topic: string): Promise<StoredSubscription[]>
    outgoingEnqueue(subscription: { readonly clientId: string }, packet: Packet): Promise<void>
    outgoingEnqueueCombi(subscriptions: StoredSubscription[], packet: Packet): Promise<unknown>
    outgoingUpdate(client: ById, packet: Packet): Promise<void>
    outgoingClearMessageId(client: ById, packet: Packet): Promise<Packet | undefined>
    outgoingStream(client: ById): Readable
    incomingStorePacket(client: ById, packet: Packet): Promise<void>
    incomingGetPacket(client: ById, packet: Packet): Promise<Packet>
    incomingDelPacket(client: ById, packet: Packet): Promise<void>
    cleanIncoming(client: ById): Promise<void>
    putWill(client: ById, packet: Packet): Promise<void>
    delWill(client: ById & { readonly brokerId?: string }): Promise<Packet | undefined>
    streamWill(brokers?: Readonly<Record<string, unknown>>): Readable
    destroy(): Promise<void>
  }

  export { AsyncLevelPersistence as default }
}

declare module 'msgpack-lite' {
  export function decode(bytes: Uint8Array): unknown
  export function encode(value: unknown): Buffer
}
