/** Grants: the subscriptions of one session and the QoS that each was granted, since no delivery may exceed it [MQTT-3.8.4-6]. */
import { matches } from '../../policy/filter-algebra.ts'
import type { TopicFilter, TopicName } from '../../policy/topic.ts'
import type { Qos } from './shape.ts'

export class Grants {
  /** Made with the first: many sessions only publish. */
  #byFilter: Map<string, Qos> | undefined
  /** Where all subscriptions have one QoS, it is the answer for every topic. */
  #uniform: Qos | undefined

  get size(): number {
    return this.#byFilter?.size ?? 0
  }

  has(filter: string): boolean {
    return this.#byFilter?.has(filter) ?? false
  }

  set(filter: string, qos: Qos): void {
    this.#byFilter ??= new Map()
    this.#uniform = this.#byFilter.size === 0 || this.#uniform === qos ? qos : undefined
    this.#byFilter.set(filter, qos)
  }

  delete(filter: string): void {
    if (this.#byFilter === undefined) return
    this.#byFilter.delete(filter)
    const left = new Set(this.#byFilter.values())
    this.#uniform = left.size === 1 ? [...left][0] : undefined
  }

  filters(): readonly (readonly [filter: string, qos: Qos])[] {
    return [...(this.#byFilter ?? [])]
  }

  /** The highest QoS that a message on this topic may be sent at; 2 where no subscription is noted that it could belong to. */
  highest(topic: string): Qos {
    if (this.#uniform !== undefined) return this.#uniform
    let highest: Qos | undefined
    for (const [filter, qos] of this.#byFilter ?? []) {
      if (qos > (highest ?? -1) && matches(filter as TopicFilter, topic as TopicName)) highest = qos
    }
    return highest ?? 2
  }
}
