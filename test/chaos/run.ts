/** One run: clients, brokers and an operator who do what a seeded generator says, and an oracle that watches. */
import { once, setMaxListeners } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { revisionOf } from '../../src/source/load-texts.ts'
import { Random } from '../fuzz/random.ts'
import type { RedisServer } from '../support/redis.ts'
import { Client } from './client.ts'
import type { Fleet } from './fleet.ts'
import { Journal } from './journal.ts'
import type { Node } from './node.ts'
import { Oracle } from './oracle.ts'
import { allOpen, policyText, type Rules, switches, type Who } from './rules.ts'
import { settle } from './settle.ts'
import { within } from './within.ts'

export interface RunOptions {
  readonly seed: number
  readonly minutes: number
  /** Ends the run early, once so many faults have been survived. */
  readonly faults: number
  readonly fleet: Fleet
  readonly nodes: readonly Node[]
  /** What the nodes share, where there are several. */
  readonly redis?: RedisServer | undefined
}

export type Faults = Record<'kills' | 'redis kills' | 'cuts' | 'edits' | 'renewals' | 'revocations', number>

export interface Outcome {
  readonly oracle: Oracle
  /** What led to the first finding. */
  readonly story: readonly string[]
  readonly refused: number
  readonly faults: Faults
  /** What brokers had to tell an operator, each once. */
  readonly alarms: readonly string[]
  /** The longest time from a revocation list on the disk to a closed connection, in milliseconds. */
  readonly slowestCloseMs: number
}

const deviceNames = ['pump-1', 'pump-2', 'pump-3', 'pump-4', 'pump-5']
const operatorNames = ['ops-1', 'ops-2']
/** How much of a broker may be told to wait for one thing. */
const patienceMs = 60_000
/** In which a connection with a certificate on a list that is in force has to end. */
const closeMs = 10_000
const inFlightAtMost = 20

export class Run {
  readonly #options: RunOptions
  readonly #random: Random
  readonly oracle = new Oracle(allOpen)
  readonly journal = new Journal()
  readonly clients: Client[] = []
  readonly faults: Faults = { kills: 0, 'redis kills': 0, cuts: 0, edits: 0, renewals: 0, revocations: 0 }
  /** Clients that something is done with already. */
  readonly #busy = new Set<Client>()
  readonly #tasks = new Set<Promise<void>>()
  readonly #revisions = new Map<string, number>()
  readonly #inForce = new Map<Node, number>()
  readonly #alarms = new Set<string>()
  /** Nodes that are killed in the middle of their start. */
  readonly #interrupted = new Set<Node>()
  #rules: Rules = allOpen
  #isEditing = false
  #isRedisAway = false
  #redisKills = 0
  #redisBack: Promise<void> = Promise.resolve()
  #refused = 0
  #slowestCloseMs = 0
  /** Aborted with the first error of what is done in the background: nothing that waits for it need wait. */
  readonly #failed = new AbortController()

  constructor(options: RunOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#revisions.set(revisionOf([{ name: 'chaos.yaml', text: policyText(allOpen, 0) }]), 0)
  }

  get nodes(): readonly Node[] {
    return this.#options.nodes
  }

  async play(): Promise<Outcome> {
    const { fleet, minutes, faults, nodes } = this.#options
    for (const node of nodes) {
      this.#watch(node)
      await node.start()
    }
    const people: readonly Who[] = [
      ...deviceNames.map(name => ({ role: 'device', name }) as const),
      ...operatorNames.map(name => ({ role: 'operator', name }) as const),
    ]
    for (const who of people) {
      const clientId = who.role === 'device' ? who.name : `${who.name}/desk`
      const facts = {
        who,
        clientId,
        oracle: this.oracle,
        journal: this.journal,
        inForce: (node: Node) => this.#inForce.get(node) ?? 0,
      }
      this.clients.push(new Client(facts, await fleet.issue(who)))
    }
    const endsAt = Date.now() + minutes * 60_000
    while (Date.now() < endsAt && this.#survived < faults && this.oracle.findings.length === 0) await this.#step()
    await this.within(Promise.all(this.#tasks), () => 'what was begun ends')
    this.#throwFailure()
    if (this.oracle.findings.length === 0) {
      await settle(this)
      this.oracle.finish()
    }
    const refused = this.#refused + this.clients.reduce((sum, client) => sum + client.refused, 0)
    const { oracle } = this
    const alarms = [...this.#alarms]
    const [first] = oracle.findings
    const story = first === undefined ? [] : this.journal.about(first.number, first.clientId)
    return { oracle, story, refused, faults: this.faults, alarms, slowestCloseMs: this.#slowestCloseMs }
  }

  get #survived(): number {
    return Object.values(this.faults).reduce((sum, count) => sum + count, 0)
  }

  /** One act, drawn by weight. */
  async #step(): Promise<void> {
    this.#throwFailure()
    const acts: readonly (readonly [weight: number, act: () => unknown])[] = [
      [600, () => this.#publish()],
      [150, () => this.#ping()],
      [80, () => this.#subscribe()],
      [10, () => this.#unsubscribe()],
      [220, () => this.#connect()],
      [25, () => this.#cut()],
      [10, () => this.#free(true)?.leave()],
      [15, () => this.#edit()],
      [8, () => this.#renew()],
      [6, () => this.#revoke()],
      [10, () => this.#kill()],
      [this.#options.redis === undefined ? 0 : 4, () => this.#killRedis()],
    ]
    let drawn = this.#random.below(acts.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, act] of acts) {
      drawn -= weight
      if (drawn >= 0) continue
      await this.within(Promise.resolve(act()), () => `the answer to ${act}`)
      break
    }
    // what came has to be read, too
    await setImmediate()
    if (!this.nodes.some(node => node.isReady)) await this.#anyReady()
  }

  async #anyReady(): Promise<void> {
    const over = new AbortController()
    const { signal } = over
    const ready = this.nodes.map(node => once(node, 'ready', { signal }).catch(() => undefined))
    await this.within(Promise.race(ready), () => 'a broker starts')
    over.abort()
  }

  /** A client that nothing else is done with. */
  #free(isConnected: boolean): Client | undefined {
    const free = this.clients.filter(one => one.isConnected === isConnected && !this.#busy.has(one))
    return free.length === 0 ? undefined : this.#random.pick(free)
  }

  #publish(): void {
    const client = this.#free(true)
    if (client === undefined || client.inFlight >= inFlightAtMost) return
    const { role, name } = client.who
    const random = this.#random
    // now and then for somebody else, which ends the connection
    const device = role === 'operator' || random.chance(1) ? random.pick(deviceNames) : name
    const kind = random.pick(role === 'device' ? ['telemetry', 'telemetry', 'extra'] : ['command', 'command', 'notice'])
    for (let count = 1 + random.below(6); count > 0; count--) {
      const qos = random.pick([0, 1, 1, 2, 2] as const)
      client.publish(`plant/s1/${device}/${kind}/${random.pick(['a', 'b'])}`, qos, random.chance(5))
    }
  }

  async #ping(): Promise<void> {
    const client = this.#free(true)
    if (client === undefined) return
    const { clientId, node } = client
    await this.within(client.ping(), () => `the answer of ${node?.name} to a ping of ${clientId}`)
  }

  #filterOf({ role, name }: Who): string {
    const random = this.#random
    if (role === 'operator') return `plant/s1/+/${random.pick(['telemetry', 'extra'])}/#`
    return `plant/s1/${random.chance(2) ? random.pick(deviceNames) : name}/${random.pick(['command', 'notice'])}/#`
  }

  #subscribe(): void {
    const client = this.#free(true)
    if (client !== undefined) void client.subscribe(this.#filterOf(client.who), this.#random.pick([1, 2, 2]))
  }

  #unsubscribe(): void {
    const client = this.#free(true)
    if (client !== undefined) void client.unsubscribe(this.#filterOf(client.who))
  }

  async #connect(): Promise<void> {
    const client = this.#free(false)
    const ready = this.nodes.filter(node => node.isReady)
    if (client === undefined || ready.length === 0) return
    const will = { topic: `plant/s1/${client.who.name}/telemetry/will`, qos: this.#random.pick([0, 1] as const) }
    const hasWill = client.who.role === 'device' && this.#random.chance(40)
    await client.connect(this.#random.pick(ready), this.#random.chance(10), hasWill ? will : undefined)
    for (let count = this.#random.below(4); count > 0; count--) {
      void client.subscribe(this.#filterOf(client.who), this.#random.pick([1, 2, 2]))
    }
  }

  async #cut(): Promise<void> {
    const client = this.#free(true)
    if (client === undefined) return
    await client.cut()
    this.faults.cuts++
  }

  /** In the background, but nothing else is done with the client meanwhile. */
  #inBackground(act: () => Promise<void>, client?: Client): void {
    if (client !== undefined) this.#busy.add(client)
    const task = act()
      .catch((error: unknown) => {
        this.#failed.abort(error)
      })
      .finally(() => {
        this.#tasks.delete(task)
        if (client !== undefined) this.#busy.delete(client)
      })
    this.#tasks.add(task)
  }

  #throwFailure(): void {
    this.#failed.signal.throwIfAborted()
  }

  /** One switch is thrown, and waited for in the background. */
  async #edit(): Promise<void> {
    if (this.#isEditing) return
    this.#isEditing = true
    const which = this.#random.pick(switches)
    const isOpen = (this.#rules.get(which) ?? 'open') === 'open'
    this.#rules = new Map([
      ...this.#rules,
      [which, isOpen ? this.#random.pick(['removed', 'denied'] as const) : 'open'],
    ])
    const edit = this.oracle.policyWritten(this.#rules)
    this.#revisions.set(revisionOf([{ name: 'chaos.yaml', text: policyText(this.#rules, edit) }]), edit)
    this.journal.note('run', `writes edit ${edit}: ${which} ${this.#rules.get(which)}`)
    await this.#options.fleet.writePolicy(this.#rules, edit)
    this.#inBackground(async () => {
      const inForce = (node: Node): boolean => (this.#inForce.get(node) ?? 0) >= edit
      for (const node of this.nodes) await this.#until(node, () => inForce(node), `edit ${edit} (${which}) is in force`)
      this.journal.note('run', `knows edit ${edit} to be in force`)
      this.#isEditing = false
      this.faults.edits++
      await Promise.all(this.clients.map(client => client.ping()))
    })
  }

  #renew(): void {
    const client = this.#free(this.#random.chance(70))
    if (client === undefined) return
    const isSuperseded = this.#random.chance(50)
    this.#inBackground(async () => {
      client.credentials = await this.#options.fleet.renew(client.who, isSuperseded)
      this.journal.note(client.clientId, `has a new certificate${isSuperseded ? ', the old one superseded' : ''}`)
      this.faults.renewals++
      if (isSuperseded && client.isConnected) await this.#mustEnd(client, 'a superseded certificate')
    }, client)
  }

  #revoke(): void {
    const client = this.#free(this.#random.chance(70))
    if (client === undefined) return
    this.#inBackground(async () => {
      const { fleet } = this.#options
      client.forget()
      const starts = this.nodes.map(node => node.starts)
      await fleet.revoke(client.who)
      const writtenAt = performance.now()
      this.journal.note(client.clientId, 'has a revoked certificate')
      const entries = fleet.listed
      // of a broker that was just starting it cannot be told which list it has read
      const hasIt = (node: Node, index: number): boolean =>
        node.isReady && (node.entries >= entries || node.starts > (starts[index] ?? 0))
      const isLive = client.isConnected
      await this.#mustEnd(client, 'a connection goes on')
      if (isLive) this.#slowestCloseMs = Math.max(this.#slowestCloseMs, performance.now() - writtenAt)
      for (const [index, node] of this.nodes.entries()) {
        await this.#until(node, () => node.isReady, 'it is back')
        const isKnown = hasIt(node, index)
        if (await client.connect(node, false)) {
          if (isKnown) this.oracle.servedRevoked(client.clientId, 'it was let in')
          else await this.#mustEnd(client, 'a connection goes on')
        } else this.#refused++
      }
      client.forget()
      client.credentials = await fleet.issue(client.who)
      this.faults.revocations++
    }, client)
  }

  async #mustEnd(client: Client, how: string): Promise<void> {
    const hasEnded = await within(client.ended(), closeMs, () => how).then(
      () => true,
      () => false,
    )
    if (!hasEnded) this.oracle.servedRevoked(client.clientId, `${how} for ${closeMs / 1000} s`)
  }

  /** kill -9, and a start at once or after things have changed. */
  async #kill(): Promise<void> {
    const node = this.#random.pick(this.nodes)
    if (!node.isReady || this.#interrupted.has(node)) return
    await node.kill()
    this.journal.note('run', `has killed ${node.name}`)
    this.faults.kills++
    const isInterrupted = this.#random.chance(15)
    const waitMs = this.#random.below(1500)
    if (this.#random.chance(30)) await this.#edit()
    if (isInterrupted) this.#interrupted.add(node)
    this.#inBackground(() => (isInterrupted ? this.#startTwice(node, waitMs) : this.#startAgain(node)))
    // the writer does not know that it is starting
    if (this.#random.chance(30)) {
      await setTimeout(waitMs)
      await this.#edit()
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
    this.faults.kills++
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
  async #killRedis(): Promise<void> {
    const { redis } = this.#options
    if (redis === undefined || this.#isRedisAway) return
    this.#isRedisAway = true
    this.#redisKills++
    let back = (): void => undefined
    this.#redisBack = new Promise(resolve => {
      back = resolve
    })
    await redis.stop()
    this.journal.note('run', 'has killed Redis')
    const waitMs = this.#random.below(2000)
    this.#inBackground(async () => {
      await setTimeout(waitMs)
      await redis.start()
      this.#isRedisAway = false
      back()
      this.faults['redis kills']++
    })
  }

  /** Rejects with what every node and Redis say where it does not happen in time, or with what has failed meanwhile. */
  async within<T>(promise: Promise<T>, what: () => string): Promise<T> {
    const over = new AbortController()
    const { signal } = this.#failed
    const failed = once(signal, 'abort', { signal: over.signal }).then(
      () => signal.throwIfAborted(),
      () => undefined,
    )
    try {
      this.#throwFailure()
      return (await within(Promise.race([promise, failed]), patienceMs, () => `${what()}; ${this.state}`)) as T
    } finally {
      over.abort()
    }
  }

  /** What every node and Redis said last, and what is still being done. */
  get state(): string {
    const { nodes, redis } = this.#options
    const words = [...nodes.map(node => node.lastWords), ...(redis === undefined ? [] : [redis.lastWords])]
    return [...words, `${this.#tasks.size} things under way`].join('; ')
  }

  async #until(node: Node, isSo: () => boolean, what: string): Promise<void> {
    const over = new AbortController()
    setMaxListeners(0, over.signal)
    const wait = async (): Promise<void> => {
      while (!isSo()) {
        const { signal } = over
        const events = [once(node, 'said', { signal }), once(node, 'ready', { signal })]
        await Promise.race(events.map(event => event.catch(() => undefined)))
        if (signal.aborted) return
      }
    }
    await this.within(wait(), () => `${what} at ${node.name}`).finally(() => over.abort())
  }

  #watch(node: Node): void {
    const note = (): void => {
      const edit = this.#revisions.get(node.revision) ?? 0
      this.#inForce.set(node, Math.max(edit, this.#inForce.get(node) ?? 0))
    }
    node.on('ready', note)
    node.on('failed', error => this.#failed.abort(error))
    node.on('said', event => {
      if (event.event === 'policy-loaded') note()
      if (event.event.endsWith('refused')) this.#refused++
      if (event.event === 'suppressed') this.#refused += event.count
      if (event.event !== 'alarm' && event.event !== 'policy-refused') return
      const { code, reason } = event as unknown as { readonly code?: string; readonly reason?: string }
      this.#alarms.add(code === undefined ? JSON.stringify(event) : `${code}: ${reason}`)
    })
  }
}
