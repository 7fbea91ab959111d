/** Bound rights: the program of a role set, and the values of its variables. All that a session keeps of its rules. Pure. */
import type { TopicFilter, TopicName } from '../policy/topic.ts'
import type { ByteRights, Decision, Permit, PublishFacts, Qos } from './decision.ts'
import type { FilterTrie } from './filter-trie.ts'
import { deniesOf, type Grant } from './grant.ts'
import type { Holding } from './holding.ts'
import { isDenied, meetsConditions, type Outcome, permitBy, permitOf, refusal } from './outcome.ts'
import type { Program } from './program.ts'
import { isReserved } from './reason.ts'
import { Refusal, whyNotPublish, whyNotReceive } from './refusal.ts'
import type { RoleSet } from './role-set.ts'
import type { SlotValue } from './slot-value.ts'
import { decideSubscribe } from './subscribe.ts'
import { matchingGrants } from './trie-walk.ts'
import { walkBytes } from './walk-bytes.ts'
import { walkString } from './walk-string.ts'

/** The conditions of publish rules do not bind deliveries. */
const anyMessage: PublishFacts = { qos: 0, retain: false, payloadBytes: 0 }
const decoder = new TextDecoder()

export class BoundRights implements ByteRights, Holding {
  readonly values: readonly SlotValue[]
  readonly #program: Program

  constructor(program: Program, values: readonly SlotValue[]) {
    this.values = values
    this.#program = program
  }

  get roleSet(): RoleSet {
    return this.#program.roleSet
  }

  publish(topic: TopicName, facts: PublishFacts): Decision {
    const machine = this.#program.publish
    if (machine === undefined) return this.#publishByTrie(topic, facts)
    const outcome = walkString(machine.units, topic, this.values)
    if (outcome === refusal) return new Refusal(whyNotPublish, this, topic, facts)
    return machine.permits[outcome] ?? this.#publishUnder(machine.outcomes[outcome] as Outcome, topic, facts)
  }

  receive(topic: TopicName): Decision {
    const machine = this.#program.receive
    if (machine === undefined) return this.#receiveByTrie(topic)
    const outcome = walkString(machine.units, topic, this.values)
    const permit = outcome === refusal ? undefined : machine.permits[outcome]
    return permit ?? new Refusal(whyNotReceive, this, topic)
  }

  publishBytes(packet: Uint8Array, start: number, end: number, facts: PublishFacts): Decision {
    const machine = this.#program.publish
    if (machine === undefined) return this.#publishByTrie(decode(packet, start, end), facts)
    const outcome = walkBytes(machine.bytes, packet, start, end, this.values)
    const permit =
      outcome === refusal
        ? undefined
        : (machine.permits[outcome] ?? permitOf(machine.outcomes[outcome] as Outcome, facts))
    return permit ?? new Refusal(whyNotPublish, this, decode(packet, start, end), facts)
  }

  receiveBytes(packet: Uint8Array, start: number, end: number): Decision {
    const machine = this.#program.receive
    if (machine === undefined) return this.#receiveByTrie(decode(packet, start, end))
    const outcome = walkBytes(machine.bytes, packet, start, end, this.values)
    return machine.permits[outcome] ?? new Refusal(whyNotReceive, this, decode(packet, start, end))
  }

  subscribe(filter: TopicFilter, qos: Qos): Decision {
    return decideSubscribe(this, filter, qos, this.#program.isNarrowing)
  }

  #publishUnder(outcome: Outcome, topic: string, facts: PublishFacts): Decision {
    return permitOf(outcome, facts) ?? new Refusal(whyNotPublish, this, topic, facts)
  }

  #publishByTrie(topic: string, facts: PublishFacts): Decision {
    const permit = isReserved(topic) ? undefined : permitByTrie(this.roleSet.publish, topic, this.values, facts)
    return permit ?? new Refusal(whyNotPublish, this, topic, facts)
  }

  #receiveByTrie(topic: string): Decision {
    return permitByTrie(this.roleSet.receive, topic, this.values, anyMessage) ?? new Refusal(whyNotReceive, this, topic)
  }
}

/** A refusal keeps its topic: the packet is something else by the time that somebody asks for the reason. */
function decode(packet: Uint8Array, start: number, end: number): TopicName {
  return decoder.decode(packet.subarray(start, end)) as TopicName
}

/** Decides without an automaton. */
function permitByTrie(
  trie: FilterTrie,
  topic: string,
  values: readonly SlotValue[],
  facts: PublishFacts,
): Permit | undefined {
  let first = trie.allows
  for (const index of matchingGrants(trie, topic.split('/'), values)) {
    const { rule } = trie.grants[index] as Grant
    if (rule.effect === 'deny') {
      if (isDenied(deniesOf(rule), facts)) return undefined
    } else if (index < first && (rule.action !== 'publish' || meetsConditions(rule, facts))) first = index
  }
  return first === trie.allows ? undefined : permitBy((trie.grants[first] as Grant).rule)
}
