/** Subscription index: for which kept sessions a message has to be queued. What is subscribed at QoS 0 never waits. */
import QlobberSub from 'qlobber/aedes/qlobber-sub.js'
import type { StoredSubscription } from './shape.ts'

const matching = { separator: '/', wildcard_one: '+', wildcard_some: '#', match_empty_levels: true }

export class SubscriptionIndex {
  readonly #index = new QlobberSub(matching)

  get size(): number {
    return this.#index.subscriptionsCount
  }

  /** Notes a subscription in the place of any before it of the same client and filter. */
  set(subscription: StoredSubscription): void {
    if (subscription.qos > 0) this.#index.add(subscription.topic, subscription)
    else this.delete(subscription)
  }

  delete({ clientId, topic }: Pick<StoredSubscription, 'clientId' | 'topic'>): void {
    this.#index.remove(topic, { clientId, topic })
  }

  /** The subscriptions that a message on this topic meets: a client is there once for each of its filters. */
  match(topic: string): StoredSubscription[] {
    return this.#index.match(topic)
  }
}
