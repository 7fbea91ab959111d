/** One run: clients, brokers and an operator who do what a seeded generator says, and an oracle that watches. */
import { once, setMaxListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { revisionOf } from '../../src/source/load-texts.ts'
import { Random } from '../fuzz/random.ts'
import type { RedisServer } from '../support/redis.ts'
import { CertificateActs } from './certificate-acts.ts'
import { Client } from './client.ts'
import { ClientActs } from './client-acts.ts'
import type { Fleet } from './fleet.ts'
import { Journal } from './journal.ts'
import type { Node } from './node.ts'
import { Oracle } from './oracle.ts'
import { Outages } from './outages.ts'
import { allOpen, deviceNames, policyText, type Rules, switches, type Who } from './rules.ts'
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

const operatorNames = ['ops-1', 'ops-2']
/** How much of a broker may be told to wait for one thing. */
const patienceMs = 60_000

export class Run {
  readonly #options: RunOptions
  readonly #random: Random
  readonly #acts: ClientActs
  readonly #outages: Outages
  readonly #certificates: CertificateActs
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
  #rules: Rules = allOpen
  #isEditing = false
  #refused = 0
  /** Aborted with the first error of what is done in the background: nothing that waits for it need wait. */
  readonly #failed = new AbortController()

  constructor(options: RunOptions) {
    this.#options = options
    const random = new Random(options.seed)
    const { nodes, redis, fleet } = options
    const { faults, journal, oracle } = this
    const free = (isConnected: boolean): Client | undefined => this.#free(isConnected)
    const inBackground = (act: () => Promise<void>, client?: Client): void => this.#inBackground(act, client)
    this.#random = random
    this.#acts = new ClientActs({
      ...{ random, nodes, faults, free },
      within: (promise, what) => this.within(promise, what),
    })
    this.#outages = new Outages({
      ...{ random, nodes, redis, journal, faults, inBackground },
      edit: () => this.#edit(),
    })
    this.#certificates = new CertificateActs({
      ...{ random, nodes, fleet, oracle, journal, faults, free, inBackground },
      until: (node, isSo, what) => this.#until(node, isSo, what),
    })
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
    const { refused: atLogin, slowestCloseMs } = this.#certificates
    const refused = this.#refused + atLogin + this.clients.reduce((sum, client) => sum + client.refused, 0)
    const { oracle } = this
    const alarms = [...this.#alarms]
    const [first] = oracle.findings
    const story = first === undefined ? [] : this.journal.about(first.number, first.clientId)
    return { oracle, story, refused, faults: this.faults, alarms, slowestCloseMs }
  }

  get #survived(): number {
    return Object.values(this.faults).reduce((sum, count) => sum + count, 0)
  }

  /** One act, drawn by weight. */
  async #step(): Promise<void> {
    this.#throwFailure()
    const acts: readonly (readonly [weight: number, act: () => unknown])[] = [
      [600, () => this.#acts.publish()],
      [150, () => this.#acts.ping()],
      [80, () => this.#acts.subscribe()],
      [10, () => this.#acts.unsubscribe()],
      [220, () => this.#acts.connect()],
      [25, () => this.#acts.cut()],
      [10, () => this.#acts.leave()],
      [15, () => this.#edit()],
      [8, () => this.#certificates.renew()],
      [6, () => this.#certificates.revoke()],
      [10, () => this.#outages.kill()],
      [this.#options.redis === undefined ? 0 : 4, () => this.#outages.killRedis()],
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
      const said = event as unknown as { readonly code?: string; readonly reason?: string; readonly clientId?: string }
      const { code, reason, clientId = 'run' } = said
      if (code !== undefined) this.journal.note(clientId, `${node.name} says ${event.event}: ${code}, ${reason}`)
      if (event.event !== 'alarm' && event.event !== 'policy-refused') return
      this.#alarms.add(code === undefined ? JSON.stringify(event) : `${code}: ${reason}`)
    })
  }
}
