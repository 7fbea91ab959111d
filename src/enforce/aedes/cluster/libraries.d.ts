/** Of libraries without types: the parts that are used. */
declare module 'aedes-persistence-redis/asyncPersistence.js' {
  type ById = { readonly id: string }
  type Packet = import('../shape.ts').AedesPublish
  type StoredSubscription = import('../shape.ts').StoredSubscription

  class AsyncRedisPersistence {
    constructor(options: { readonly conn: import('ioredis').Redis })
    outgoingEnqueueCombi(subscriptions: StoredSubscription[], packet: Packet): Promise<void>
    incomingStorePacket(client: ById, packet: Packet): Promise<void>
    incomingGetPacket(client: ById, packet: Packet): Promise<Packet>
    incomingDelPacket(client: ById, packet: Packet): Promise<void>
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
  }

  function redisEmitter(options: object): RedisEmitter

  export { redisEmitter as default }
}
