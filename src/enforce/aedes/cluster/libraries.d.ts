/** Of libraries without types: the parts that are used. */
declare module 'aedes-persistence-redis/asyncPersistence.js' {
  type ById = { readonly id: string }
  type Broker = import('../shape.ts').AedesBroker
  type Packet = import('../shape.ts').AedesPublish
  type Subscription = import('../shape.ts').AedesSubscription
  type StoredSubscription = import('../shape.ts').StoredSubscription

  class AsyncRedisPersistence {
    constructor(options: { readonly conn: import('ioredis').Redis })
    get broker(): Broker
    setup(broker: Broker): Promise<void>
    addSubscriptions(client: ById, subscriptions: Subscription[]): Promise<void>
    removeSubscriptions(client: ById, filters: string[]): Promise<void>
    subscriptionsByClient(client: ById): Promise<Subscription[]>
    subscriptionsByTopic(topic: string): Promise<StoredSubscription[]>
    getClientList(filter: string): AsyncIterable<string>
    countOffline(): Promise<{ readonly clientsCount: number; readonly subsCount: number }>
    createRetainedStreamCombi(filters: string[]): AsyncIterable<Packet>
    outgoingEnqueueCombi(subscriptions: StoredSubscription[], packet: Packet): Promise<void>
    outgoingUpdate(client: ById, packet: Packet): Promise<void>
    outgoingClearMessageId(client: ById, packet: Packet): Promise<Packet | undefined>
    outgoingStream(client: ById): AsyncIterable<Packet>
    incomingStorePacket(client: ById, packet: Packet): Promise<void>
    incomingGetPacket(client: ById, packet: Packet): Promise<Packet>
    incomingDelPacket(client: ById, packet: Packet): Promise<void>
    putWill(client: ById, packet: Packet): Promise<void>
    getWill(client: ById): Promise<Packet | undefined>
    delWill(client: ById & { readonly brokerId?: string }): Promise<Packet | undefined>
    streamWill(brokers?: Readonly<Record<string, unknown>>): AsyncIterable<Packet>
    destroy(): Promise<void>
  }

  export { AsyncRedisPersistence as default }
}

declare module 'mqemitter-redis' {
  import type { EventEmitter } from 'node:events'

  interface RedisEmitter {
    readonly state: EventEmitter
    _subTopic: (filter: string) => string
    close: (done: () => void) => void
    /** Without ending the connections. */
    _close: (done: () => void) => void
  }

  function redisEmitter(options: object): RedisEmitter

  export { redisEmitter as default }
}
