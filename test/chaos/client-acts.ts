/** Acts of clients: what devices and operators do at random, well behaved and not. */
import type { Random } from '../fuzz/random.ts'
import type { Client } from './client.ts'
import type { Node } from './node.ts'
import { deviceNames, type Who } from './rules.ts'

export interface ActFacts {
  readonly random: Random
  readonly nodes: readonly Node[]
  readonly faults: { cuts: number }
  /** A client that nothing else is done with. */
  readonly free: (isConnected: boolean) => Client | undefined
  readonly within: <T>(promise: Promise<T>, what: () => string) => Promise<T>
}

const inFlightAtMost = 20

export class ClientActs {
  readonly #facts: ActFacts

  constructor(facts: ActFacts) {
    this.#facts = facts
  }

  publish(): void {
    const client = this.#facts.free(true)
    if (client === undefined || client.inFlight >= inFlightAtMost) return
    const { role, name } = client.who
    const random = this.#facts.random
    // now and then for somebody else, which ends the connection
    const device = role === 'operator' || random.chance(1) ? random.pick(deviceNames) : name
    const kind = random.pick(role === 'device' ? ['telemetry', 'telemetry', 'extra'] : ['command', 'command', 'notice'])
    for (let count = 1 + random.below(6); count > 0; count--) {
      const qos = random.pick([0, 1, 1, 2, 2] as const)
      client.publish(`plant/s1/${device}/${kind}/${random.pick(['a', 'b'])}`, qos, random.chance(5))
    }
  }

  async ping(): Promise<void> {
    const client = this.#facts.free(true)
    if (client === undefined) return
    const { clientId, node } = client
    await this.#facts.within(client.ping(), () => `the answer of ${node?.name} to a ping of ${clientId}`)
  }

  #filterOf({ role, name }: Who): string {
    const random = this.#facts.random
    if (role === 'operator') return `plant/s1/+/${random.pick(['telemetry', 'extra'])}/#`
    return `plant/s1/${random.chance(2) ? random.pick(deviceNames) : name}/${random.pick(['command', 'notice'])}/#`
  }

  subscribe(): void {
    const client = this.#facts.free(true)
    if (client !== undefined) void client.subscribe(this.#filterOf(client.who), this.#facts.random.pick([1, 2, 2]))
  }

  unsubscribe(): void {
    const client = this.#facts.free(true)
    if (client !== undefined) void client.unsubscribe(this.#filterOf(client.who))
  }

  async connect(): Promise<void> {
    const client = this.#facts.free(false)
    const ready = this.#facts.nodes.filter(node => node.isReady)
    if (client === undefined || ready.length === 0) return
    const will = { topic: `plant/s1/${client.who.name}/telemetry/will`, qos: this.#facts.random.pick([0, 1] as const) }
    const hasWill = client.who.role === 'device' && this.#facts.random.chance(40)
    await client.connect(this.#facts.random.pick(ready), this.#facts.random.chance(10), hasWill ? will : undefined)
    for (let count = this.#facts.random.below(4); count > 0; count--) {
      void client.subscribe(this.#filterOf(client.who), this.#facts.random.pick([1, 2, 2]))
    }
  }

  async cut(): Promise<void> {
    const client = this.#facts.free(true)
    if (client === undefined) return
    await client.cut()
    this.#facts.faults.cuts++
  }

  async leave(): Promise<void> {
    await this.#facts.free(true)?.leave()
  }
}
