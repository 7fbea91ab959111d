/**
 * A client of a chaos run: MQTT 3.1.1 as a good one speaks it. What was not acknowledged is sent again after a reconnect, with DUP and
 * its identifier [MQTT-4.4.0-1]; the states of QoS 2 are kept on both sides [MQTT-4.3.3-1], [MQTT-4.3.3-2].
 */
import type { Packet } from 'mqtt-packet'
import { type Credentials, RawClient } from '../support/raw-client.ts'
import type { Journal } from './journal.ts'
import type { Node } from './node.ts'
import type { Oracle, Qos } from './oracle.ts'
import type { Who } from './rules.ts'

interface Outgoing {
  readonly number: number
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  isReceived: boolean
}

/** A SUBSCRIBE or UNSUBSCRIBE that has no answer yet. */
interface Asked {
  readonly filter: string
  readonly done: (granted: number | undefined) => void
  /** An UNSUBSCRIBE has followed. */
  isOver: boolean
}

/** One TLS connection. */
interface Line {
  readonly raw: RawClient
  readonly node: Node
  readonly isClean: boolean
  readonly credentials: Credentials
  /** Resolves when the connection has ended and everything that came has been looked at. */
  over: Promise<void>
  /** The oldest policy that can decide for it. */
  since: number
  readonly pings: { readonly since: number; readonly answered: (isAnswered: boolean) => void }[]
  readonly asked: Map<number, Asked>
}

export interface ClientFacts {
  readonly who: Who
  readonly clientId: string
  readonly oracle: Oracle
  /** Number of the policy that this node is known to have in force. */
  readonly inForce: (node: Node) => number
  readonly journal: Journal
}

const largestId = 65_535

export class Client {
  readonly who: Who
  readonly clientId: string
  credentials: Credentials
  /** What was closed, refused or answered with 0x80. */
  refused = 0
  readonly #facts: ClientFacts
  readonly #outgoing = new Map<number, Outgoing>()
  /** Numbers of messages by identifier, from PUBLISH to PUBREL. */
  readonly #incoming = new Map<number, number>()
  #line: Line | undefined
  #isKept = false
  #lastId = 0

  constructor(facts: ClientFacts, credentials: Credentials) {
    this.#facts = facts
    this.who = facts.who
    this.clientId = facts.clientId
    this.credentials = credentials
  }

  get isConnected(): boolean {
    return this.#line !== undefined
  }

  get node(): Node | undefined {
    return this.#line?.node
  }

  /** Whether its broker is to keep a session of it now. */
  get isKept(): boolean {
    return this.#isKept
  }

  /** With which certificate it is connected. */
  get shown(): Credentials | undefined {
    return this.#line?.credentials
  }

  get inFlight(): number {
    return this.#outgoing.size
  }

  /** Resolves with whether it was let in. */
  async connect(node: Node, isClean: boolean, will?: { readonly topic: string; readonly qos: Qos }): Promise<boolean> {
    const { oracle } = this.#facts
    const since = this.#facts.inForce(node)
    const { credentials } = this
    if (isClean || !this.#isKept) this.forget()
    this.#isKept = !isClean
    const raw = await RawClient.open(node.port, credentials).catch(() => undefined)
    if (raw === undefined) return false
    const number = will === undefined ? 0 : oracle.sending(this.who, will.topic, 0, since)
    const testament =
      will === undefined ? {} : { will: { ...will, payload: Buffer.from(String(number)), retain: false } }
    if ((await raw.login(this.clientId, { clean: isClean, ...testament })) !== 0) {
      await raw.close()
      return false
    }
    const line: Line = { raw, node, isClean, credentials, since, pings: [], asked: new Map(), over: Promise.resolve() }
    this.#line = line
    this.#note(`is connected to ${node.name}${isClean ? ', clean' : ''}, edit ${since}`)
    for (const [id, message] of this.#outgoing) this.#sendAgain(line, id, message)
    line.over = this.#follow(line)
    return true
  }

  /** The session is over for both sides, or for whoever can tell. */
  forget(): void {
    this.#outgoing.clear()
    this.#incoming.clear()
    this.#isKept = false
    this.#facts.oracle.sessionStarts(this.clientId, this.who)
  }

  publish(topic: string, qos: Qos, retain = false): void {
    const line = this.#line
    if (line === undefined) return
    const number = this.#facts.oracle.sending(this.who, topic, qos, line.since)
    const message = { number, topic, qos, retain, isReceived: false }
    const id = qos === 0 ? 0 : this.#freeId()
    if (qos > 0) this.#outgoing.set(id, message)
    this.#note(`sends ${number} on ${topic} as ${id} at QoS ${qos}${retain ? ' retained' : ''}`)
    line.raw.send(publishPacket(id, message, false))
  }

  /** Resolves with what was granted; undefined where the connection ended first. */
  subscribe(filter: string, qos: 1 | 2): Promise<number | undefined> {
    return this.#ask(filter, messageId => ({ cmd: 'subscribe', messageId, subscriptions: [{ topic: filter, qos }] }))
  }

  unsubscribe(filter: string): Promise<number | undefined> {
    this.#note(`unsubscribes from ${filter}`)
    // what is granted to an earlier SUBSCRIBE ends with this
    for (const asked of this.#line?.asked.values() ?? []) if (asked.filter === filter) asked.isOver = true
    this.#facts.oracle.unsubscribing(this.clientId, filter)
    return this.#ask(filter, messageId => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [filter] }))
  }

  /** What comes after the answer was decided under a policy no older than the one that is in force now. Resolves with whether it came. */
  ping(): Promise<boolean> {
    const line = this.#line
    if (line === undefined) return Promise.resolve(false)
    return new Promise(answered => {
      line.pings.push({ since: this.#facts.inForce(line.node), answered })
      line.raw.send({ cmd: 'pingreq' } as Packet)
    })
  }

  /** Without a word: its will is due. */
  async cut(): Promise<void> {
    const line = this.#line
    await line?.raw.close()
    await line?.over
  }

  /** [MQTT-3.14.4-3]: its will is not due. */
  async leave(): Promise<void> {
    const line = this.#line
    if (line === undefined) return
    line.raw.send({ cmd: 'disconnect' } as Packet)
    await line.over
  }

  /** Resolves when its connection has ended; at once where it has none. */
  async ended(): Promise<void> {
    await this.#line?.over
  }

  async #follow(line: Line): Promise<void> {
    for (let packet = await line.raw.next(); packet !== undefined; packet = await line.raw.next())
      this.#take(line, packet)
    if (this.#line === line) this.#line = undefined
    this.#note('is disconnected')
    for (const { answered } of line.pings) answered(false)
    for (const { done } of line.asked.values()) done(undefined)
    if (line.isClean) this.forget()
  }

  #take(line: Line, packet: Packet): void {
    const { raw } = line
    const id = ('messageId' in packet ? packet.messageId : undefined) ?? 0
    if (packet.cmd === 'publish') this.#receive(line, packet, id)
    if (packet.cmd === 'pubrel') {
      this.#note(`gets PUBREL of ${this.#incoming.get(id)}`)
      this.#incoming.delete(id)
      raw.send({ cmd: 'pubcomp', messageId: id } as Packet)
    }
    if (packet.cmd === 'puback') this.#acknowledged(id, true)
    if (packet.cmd === 'pubrec') {
      this.#acknowledged(id, false)
      raw.send({ cmd: 'pubrel', messageId: id } as Packet)
    }
    if (packet.cmd === 'pubcomp') this.#outgoing.delete(id)
    if (packet.cmd === 'suback') this.#granted(line, id, (packet.granted as number[])[0])
    if (packet.cmd === 'unsuback') this.#answered(line, id, 0)
    if (packet.cmd === 'pingresp') {
      const ping = line.pings.shift()
      if (ping === undefined) return
      line.since = Math.max(line.since, ping.since)
      ping.answered(true)
    }
  }

  #receive({ raw, since }: Line, packet: Extract<Packet, { cmd: 'publish' }>, id: number): void {
    const { topic, qos, retain } = packet
    const isRepeat = qos === 2 && this.#incoming.has(id)
    const under = isRepeat ? `, under way as that of ${this.#incoming.get(id)},` : ''
    const how = `${under}${isRepeat ? ' again' : ''}${packet.dup ? ' DUP' : ''}${retain ? ' retained' : ''}`
    this.#note(`gets ${packet.payload} as ${id} at QoS ${qos}${how}`)
    if (!isRepeat) {
      const number = Number(packet.payload)
      if (qos === 2) this.#incoming.set(id, number)
      this.#facts.oracle.deliver(this.clientId, this.who, {
        number,
        topic,
        qos,
        retain,
        since,
        payload: String(packet.payload),
      })
    }
    if (qos > 0) raw.send({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId: id } as Packet)
  }

  #acknowledged(id: number, isOver: boolean): void {
    const message = this.#outgoing.get(id)
    if (message === undefined) return
    this.#note(`is acknowledged ${message.number}`)
    this.#facts.oracle.acknowledged(message.number)
    message.isReceived = true
    if (isOver) this.#outgoing.delete(id)
  }

  #granted(line: Line, id: number, granted: number | undefined): void {
    const { filter, isOver = false } = line.asked.get(id) ?? {}
    if (granted === 128) this.refused++
    else if (filter !== undefined && !isOver && !line.isClean && (granted ?? 0) > 0) {
      this.#facts.oracle.subscribed(this.clientId, filter, line.since)
    }
    this.#note(`is granted ${filter} at ${granted}`)
    this.#answered(line, id, granted)
  }

  #note(text: string): void {
    this.#facts.journal.note(this.clientId, text)
  }

  #answered({ asked }: Line, id: number, granted: number | undefined): void {
    asked.get(id)?.done(granted)
    asked.delete(id)
  }

  #ask(filter: string, packet: (messageId: number) => object): Promise<number | undefined> {
    const line = this.#line
    if (line === undefined) return Promise.resolve(undefined)
    return new Promise(done => {
      const id = this.#freeId()
      line.asked.set(id, { filter, done, isOver: false })
      line.raw.send(packet(id) as Packet)
    })
  }

  #sendAgain({ raw }: Line, messageId: number, message: Outgoing): void {
    this.#note(`sends ${message.isReceived ? 'PUBREL of ' : ''}${message.number} again as ${messageId}`)
    if (message.isReceived) raw.send({ cmd: 'pubrel', messageId } as Packet)
    else raw.send(publishPacket(messageId, message, true))
  }

  #freeId(): number {
    do this.#lastId = (this.#lastId % largestId) + 1
    while (this.#outgoing.has(this.#lastId) || this.#line?.asked.has(this.#lastId))
    return this.#lastId
  }
}

function publishPacket(messageId: number, { number, topic, qos, retain }: Outgoing, dup: boolean): Packet {
  const identified = qos === 0 ? {} : { messageId }
  return { cmd: 'publish', topic, payload: String(number), qos, retain, dup, ...identified } as Packet
}
