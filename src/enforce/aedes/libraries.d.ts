/** Of libraries without types: the parts that are used. */
declare module 'qlobber/aedes/qlobber-sub.js' {
  type StoredSubscription = import('./shape.ts').StoredSubscription

  class QlobberSub {
    constructor(options: object)
    readonly subscriptionsCount: number
    add(filter: string, subscription: StoredSubscription): void
    remove(filter: string, subscription: Pick<StoredSubscription, 'clientId' | 'topic'>): void
    match(topic: string): StoredSubscription[]
  }

  export { QlobberSub as default }
}
