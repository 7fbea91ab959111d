/** Outages: what is killed at random, nodes and the Redis that they share, and started again. */
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Random } from '../fuzz/random.ts'
import type { RedisServer } from '../support/redis.ts'
import type { Journal } from './journal.ts'
import type { Node } from './node.ts'

export interface OutageFacts {
  readonly random: Random
  readonly nodes: readonly Node[]
  readonly redis: RedisServer | undefined
  readonly journal: Journal
  /** What was survived. */
  readonly faults: Record<'kills' | 'redis kills', number>
  readonly inBackground: (act: () => Promise<void>) => void
  /** Changes the policy. */
  readonly edit: () => Promise<void>
}

export class Outages {
  readonly #facts: OutageFacts
  /** Nodes that are killed in the middle of their start. */
  readonly #interrupted = new Set<Node>()
  #isRedisAway = false
  #redisKills = 0
  #redisBack: Promise<void> = Promise.resolve()

  constructor(facts: OutageFacts) {
    this.#facts = facts
  }

  /** kill -9, and a start at once or after things have changed. */
  async kill(): Promise<void> {
    const node = this.#facts.random.pick(this.#facts.nodes)
    if (!node.isReady || this.#interrupted.has(node)) return
    await node.kill()
    this.#facts.journal.note('run', `has killed ${node.name}`)
    this.#facts.faults.kills++
    const isInterrupted = this.#facts.random.chance(15)
    const waitMs = this.#facts.random.below(1500)
    if (this.#facts.random.chance(30)) await this.#facts.edit()
    if (isInterrupted) this.#interrupted.add(node)
    this.#facts.inBackground(() => (isInterrupted ? this.#startTwice(node, waitMs) : this.#startAgain(node)))
    // the writer does not know that it is starting
    if (this.#facts.random.chance(30)) {
      await setTimeout(waitMs)
      await this.#facts.edit()
    }
  }

  /** kill -9 again that long after its process was made, wherever its start is then. */
  async #startTwice(node: Node, waitMs: number): Promise<void> {
    const spawned = once(node, 'spawned')
    const started = this.#startAgain(node)
    await Promise.race([spawned, started])
    // no event says that it is in the middle of its start
    await setTimeout(waitMs)
    await node.kill()
    await started
    // where Redis went away before it was killed, it has been started again
    await node.kill()
    this.#facts.faults.kills++
    this.#interrupted.delete(node)
    await this.#startAgain(node)
  }

  /** A node does not start without Redis; whoever runs it starts it again. */
  async #startAgain(node: Node): Promise<void> {
    for (;;) {
      await this.#redisBack
      const kills = this.#redisKills
      try {
        return await node.start()
      } catch (error) {
        if (kills === this.#redisKills) throw error
      }
    }
  }

  /** kill -9 of what the nodes share, and a start at once or a little later. */
  async killRedis(): Promise<void> {
    const { redis } = this.#facts
    if (redis === undefined || this.#isRedisAway) return
    this.#isRedisAway = true
    this.#redisKills++
    let back = (): void => undefined
    this.#redisBack = new Promise(resolve => {
      back = resolve
    })
    await redis.stop()
    this.#facts.journal.note('run', 'has killed Redis')
    const waitMs = this.#facts.random.below(2000)
    this.#facts.inBackground(async () => {
      await setTimeout(waitMs)
      await redis.start()
      this.#isRedisAway = false
      back()
      this.#facts.faults['redis kills']++
    })
  }
}
