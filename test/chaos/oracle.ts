/**
 * The oracle of `npm run chaos`. It is told what clients do, what is written into the policy folder, and what brokers say is in force, and
 * judges every delivery. Plain on purpose. What cannot be known is never held against the broker: between an edit and the word
 * of a broker that it is in force either policy may be what decides.
 */
import { permits, type Rules, type Verb, type Who } from './rules.ts'

export type Qos = 0 | 1 | 2

/** A fault of the broker. */
export interface Finding {
  readonly kind: 'lost' | 'leaked' | 'duplicated'
  readonly sentence: string
  readonly clientId: string
  /** Of the message; 0 where it is about none. */
  readonly number: number
}

interface Message {
  readonly from: Who
  readonly topic: string
  /** Whether some policy that may have been in force lets it be published. */
  mayBe: boolean
  /** Whether all of them do. */
  mustBe: boolean
  isAcknowledged: boolean
}

interface KeptSession {
  readonly who: Who
  /** Filters whose subscription has been acknowledged and that every policy since has allowed. */
  readonly filters: Set<string>
  /** What is to arrive. */
  readonly owed: Set<number>
  /** How often a message came at QoS 2 as a new one. */
  readonly exactly: Map<number, number>
}

export interface Delivery {
  readonly number: number
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  /** The oldest policy that can have decided it: the one in force when its connection was last known to follow. */
  readonly since: number
  /** As it came, to tell what nobody has sent. */
  readonly payload?: string
}

export class Oracle {
  readonly findings: Finding[] = []
  delivered = 0
  /** By number of the edit. */
  readonly #policies: Rules[]
  readonly #messages = new Map<number, Message>()
  readonly #sessions = new Map<string, KeptSession>()
  #next = 1

  constructor(first: Rules) {
    this.#policies = [first]
  }

  /** Number of the newest policy that has been written. */
  get newest(): number {
    return this.#policies.length - 1
  }

  /** To be told before a policy is written: from now on a broker may have it in force. Returns its number. */
  policyWritten(rules: Rules): number {
    this.#policies.push(rules)
    for (const message of this.#messages.values()) {
      if (message.isAcknowledged) continue
      if (permits(rules, message.from, 'publish', message.topic)) message.mayBe = true
      else message.mustBe = false
    }
    for (const { who, filters, owed } of this.#sessions.values()) {
      for (const filter of filters) if (!permits(rules, who, 'receive', filter)) filters.delete(filter)
      for (const number of owed) if (!permits(rules, who, 'receive', this.#topicOf(number))) owed.delete(number)
    }
    return this.newest
  }

  /** A session begins anew: what an earlier one was owed is nobody's any more. */
  sessionStarts(clientId: string, who: Who): void {
    this.#sessions.set(clientId, { who, filters: new Set(), owed: new Set(), exactly: new Map() })
  }

  /** A kept session has got its SUBACK. */
  subscribed(clientId: string, filter: string, since: number): void {
    const session = this.#sessions.get(clientId)
    if (session !== undefined && this.#always(session.who, 'receive', filter, since)) session.filters.add(filter)
  }

  /** It sends UNSUBSCRIBE: what is on its way may come or not. */
  unsubscribing(clientId: string, filter: string): void {
    const session = this.#sessions.get(clientId)
    session?.filters.delete(filter)
    for (const number of session?.owed ?? []) if (covers(filter, this.#topicOf(number))) session?.owed.delete(number)
  }

  /** A message is about to be sent for the first time; a will, with the CONNECT. Returns its number, which is its payload. */
  sending(from: Who, topic: string, qos: Qos, since: number): number {
    const number = this.#next++
    this.#messages.set(number, {
      from,
      topic,
      mayBe: this.#sometimes(from, 'publish', topic, since),
      mustBe: this.#always(from, 'publish', topic, since),
      isAcknowledged: false,
    })
    if (qos === 0) return number
    for (const { filters, owed } of this.#sessions.values()) {
      if ([...filters].some(filter => covers(filter, topic))) owed.add(number)
    }
    return number
  }

  /** PUBACK or PUBREC has come: the broker has taken it over [MQTT-4.3.2-2], [MQTT-4.3.3-2]. */
  acknowledged(number: number): void {
    const message = this.#messages.get(number)
    if (message !== undefined) message.isAcknowledged = true
  }

  /** A client hands a message to its application. At QoS 2 a repeat with an identifier under way is none [MQTT-4.3.3]. */
  deliver(clientId: string, who: Who, { number, topic, qos, retain, since, payload }: Delivery): void {
    this.delivered++
    const message = this.#messages.get(number)
    const told = `message ${number} on ${topic} at QoS ${qos} to ${clientId}`
    if (message === undefined || message.topic !== topic)
      this.#find('leaked', clientId, number, `${told}: nobody sent it (${JSON.stringify(payload?.slice(0, 80))})`)
    else if (!message.mayBe)
      this.#find('leaked', clientId, number, `${told}: no policy let ${message.from.name} publish it`)
    if (!this.#sometimes(who, 'receive', topic, since)) {
      this.#find(
        'leaked',
        clientId,
        number,
        `${told}: forbidden by every policy from edit ${since} to edit ${this.newest}`,
      )
    }
    const session = this.#sessions.get(clientId)
    session?.owed.delete(number)
    if (session === undefined || qos !== 2 || retain) return
    const times = (session.exactly.get(number) ?? 0) + 1
    session.exactly.set(number, times)
    if (times === 2) this.#find('duplicated', clientId, number, `${told}: it came twice`)
  }

  /** A connection with a certificate that its broker has said to be revoked is still served. */
  servedRevoked(clientId: string, how: string): void {
    this.#find('leaked', clientId, 0, `${clientId} is served with a revoked certificate: ${how}`)
  }

  /** To be told when nothing more can come. */
  finish(): void {
    for (const [clientId, { owed }] of this.#sessions) {
      for (const number of owed) {
        const message = this.#messages.get(number)
        if (!message?.isAcknowledged || !message.mustBe) continue
        this.#find(
          'lost',
          clientId,
          number,
          `message ${number} on ${message.topic}, acknowledged to ${message.from.name}, to ${clientId}`,
        )
      }
    }
  }

  /** What a session is still owed for certain. */
  owes(clientId: string): number {
    const owed = [...(this.#sessions.get(clientId)?.owed ?? [])]
    return owed.filter(number => this.#messages.get(number)?.isAcknowledged && this.#messages.get(number)?.mustBe)
      .length
  }

  #find(kind: Finding['kind'], clientId: string, number: number, sentence: string): void {
    this.findings.push({ kind, clientId, number, sentence })
  }

  #topicOf(number: number): string {
    return this.#messages.get(number)?.topic ?? ''
  }

  #sometimes(who: Who, verb: Verb, topic: string, since: number): boolean {
    return this.#policies.slice(since).some(rules => permits(rules, who, verb, topic))
  }

  #always(who: Who, verb: Verb, topic: string, since: number): boolean {
    return this.#policies.slice(since).every(rules => permits(rules, who, verb, topic))
  }
}

/** Whether a filter of the chaos plant, `+` for single levels and `#` at its end, covers a topic name. */
export function covers(filter: string, topic: string): boolean {
  const levels = topic.split('/')
  return filter.split('/').every((one, index) => one === '#' || one === '+' || one === levels[index])
}
