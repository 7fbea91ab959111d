/** Decision: the answer to one Action, with its reason. Errors never permit; what no rule allows is refused. */
import type { Rule } from '../policy/model.ts'
import type { TopicFilter, TopicName } from '../policy/topic.ts'
import type { Problem } from '../problem.ts'

export type Qos = 0 | 1 | 2

/** What a publish carries besides its topic; sizes in bytes. */
export interface PublishFacts {
  readonly qos: Qos
  readonly retain: boolean
  readonly payloadBytes: number
}

export interface Permit {
  readonly effect: 'permit'
  /** The determining allow rule(s); the first is the one to show. */
  readonly rules: readonly Rule[]
  /** subscribe only: the highest QoS that may be granted (SEMANTICS 3.2). */
  readonly grantedQos?: Qos
  /** subscribe only: the filter is wider than what is allowed, and delivery brings the allowed part (SEMANTICS 3.3). */
  readonly narrowed?: true
  /** It would have been refused, and was only reported. */
  readonly reported?: true
}

export interface Refuse {
  readonly effect: 'refuse'
  /** Why, with the place of the deciding or nearest rule and what would have to differ. */
  readonly problem: Problem
  /** The deny rule(s) that decided; empty where nothing allowed it. */
  readonly rules: readonly Rule[]
}

export type Decision = Permit | Refuse

/** What one session may do under one policy revision. Pure, synchronous, total. */
export interface Rights {
  /** SEMANTICS 3.1 */
  publish(topic: TopicName, facts: PublishFacts): Decision
  /** SEMANTICS 3.2 */
  subscribe(filter: TopicFilter, qos: Qos): Decision
  /** SEMANTICS 3.4 */
  receive(topic: TopicName): Decision
}

/**
 * Rights that also read a topic where it lies in a packet: from `start` to before `end`, at least one byte, valid UTF-8 without
 * wildcards and NUL, which the caller has made sure of. A permit makes no string of it.
 */
export interface ByteRights extends Rights {
  publishBytes(packet: Uint8Array, start: number, end: number, facts: PublishFacts): Decision
  receiveBytes(packet: Uint8Array, start: number, end: number): Decision
}
