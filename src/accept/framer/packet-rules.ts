/**
 * What a client may send once its session stands: one row per packet type of MQTT 3.1.1 §2.2.1. A type without a row is
 * one that only a broker sends, or reserved.
 */
import type { Limits } from '../limits.ts'
import { checkTopicFilter, checkTopicName, fieldEnd } from './text-field.ts'
import { malformed, overLimit, type Violation } from './violation.ts'

/** One filter of a SUBSCRIBE. The framer writes `qos` back into the packet, so lowering it lowers what is asked for. */
export interface AskedSubscription {
  readonly filter: string
  readonly asked: 0 | 1 | 2
  qos: 0 | 1 | 2
  /** Where its QoS byte stands. */
  readonly qosAt: number
}

export interface PacketRule {
  readonly name: string
  /** The required flags of the fixed header; undefined where `check` looks at them. [MQTT-2.2.2-2] */
  readonly flags: number | undefined
  readonly minimumLength: number
  readonly maximumLength: number
  /** Judges the body from `start` to `end`. */
  readonly check?: (bytes: Buffer, start: number, end: number, flags: number, limits: Limits) => Violation | undefined
}

export const packetType = { connect: 1, publish: 3, subscribe: 8, unsubscribe: 10, disconnect: 14 } as const

/** A packet of nothing but a packet identifier. */
const acknowledgement = (name: string, flags: number): PacketRule => ({
  name,
  flags,
  minimumLength: 2,
  maximumLength: 2,
  check: (bytes, start) => checkIdentifier(bytes, start, name),
})

const empty = (name: string): PacketRule => ({ name, flags: 0, minimumLength: 0, maximumLength: 0 })

export const packetRules: readonly (PacketRule | undefined)[] = [
  undefined,
  undefined,
  undefined,
  { name: 'PUBLISH', flags: undefined, minimumLength: 3, maximumLength: Number.POSITIVE_INFINITY, check: checkPublish },
  acknowledgement('PUBACK', 0),
  acknowledgement('PUBREC', 0),
  acknowledgement('PUBREL', 2),
  acknowledgement('PUBCOMP', 0),
  {
    name: 'SUBSCRIBE',
    flags: 2,
    minimumLength: 6,
    maximumLength: Number.POSITIVE_INFINITY,
    check: (bytes, start, end, _flags, limits) => checkFilters(bytes, start, end, limits, 'SUBSCRIBE'),
  },
  undefined,
  {
    name: 'UNSUBSCRIBE',
    flags: 2,
    minimumLength: 5,
    maximumLength: Number.POSITIVE_INFINITY,
    check: (bytes, start, end, _flags, limits) => checkFilters(bytes, start, end, limits, 'UNSUBSCRIBE'),
  },
  undefined,
  empty('PINGREQ'),
  undefined,
  empty('DISCONNECT'),
  undefined,
]

function checkIdentifier(bytes: Buffer, at: number, name: string): Violation | undefined {
  const isZero = bytes[at] === 0 && bytes[at + 1] === 0
  return isZero ? malformed(`a ${name} with the packet identifier 0`, 'MQTT-2.3.1-1') : undefined
}

function checkPublish(bytes: Buffer, start: number, end: number, flags: number, limits: Limits): Violation | undefined {
  const qos = (flags >> 1) & 3
  if (qos === 3) return malformed('a PUBLISH with QoS 3', 'MQTT-3.3.1-4')
  if (qos === 0 && (flags & 8) !== 0) return malformed('a PUBLISH with QoS 0 and DUP', 'MQTT-3.3.1-2')
  const topicEnd = fieldEnd(bytes, start, end)
  if (topicEnd < 0) return malformed('a PUBLISH that ends within its topic name', 'MQTT-3.3.2-1')
  const wrong = checkTopicName(bytes, start + 2, topicEnd, limits)
  if (wrong !== undefined || qos === 0) return wrong
  if (topicEnd + 2 > end) return malformed('a PUBLISH without its packet identifier', 'MQTT-2.3.1-1')
  return checkIdentifier(bytes, topicEnd, 'PUBLISH')
}

function checkFilters(
  bytes: Buffer,
  start: number,
  end: number,
  limits: Limits,
  name: 'SUBSCRIBE' | 'UNSUBSCRIBE',
): Violation | undefined {
  const wrongIdentifier = checkIdentifier(bytes, start, name)
  if (wrongIdentifier !== undefined) return wrongIdentifier
  let count = 0
  for (let at = start + 2; at < end; ) {
    if (++count > limits.filtersPerSubscribe) {
      return overLimit('filtersPerSubscribe', limits, `the client sent a ${name} of more filters`)
    }
    const filterEnd = fieldEnd(bytes, at, end)
    if (filterEnd < 0) return malformed(`a ${name} that ends within a topic filter`, 'MQTT-3.8.3-1')
    const wrong = checkTopicFilter(bytes, at + 2, filterEnd, limits)
    if (wrong !== undefined) return wrong
    at = filterEnd
    if (name === 'UNSUBSCRIBE') continue
    if (at >= end) return malformed('a SUBSCRIBE that ends before a QoS', 'MQTT-3.8.3-3')
    if ((bytes[at] as number) > 2) return malformed('a SUBSCRIBE with another QoS than 0, 1 or 2', 'MQTT-3.8.3-4')
    at++
  }
  return undefined
}

/** The filters of a SUBSCRIBE that `checkFilters` has passed. */
export function readSubscribe(bytes: Buffer, start: number, end: number): AskedSubscription[] {
  const asked: AskedSubscription[] = []
  for (let at = start + 2; at < end; ) {
    const qosAt = fieldEnd(bytes, at, end)
    const qos = bytes[qosAt] as 0 | 1 | 2
    asked.push({ filter: bytes.toString('utf8', at + 2, qosAt), asked: qos, qos, qosAt })
    at = qosAt + 1
  }
  return asked
}
