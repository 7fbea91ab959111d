/**
 * Text in packets, judged as bytes: topic names, topic filters and other UTF-8 fields. One pass, no string is made.
 * MQTT 3.1.1 §1.5.3, §4.7.
 */
import { isUtf8 } from 'node:buffer'
import type { Limits } from '../limits.ts'
import { malformed, overLimit, type Violation } from './violation.ts'

const slash = 0x2f
const plus = 0x2b
const hash = 0x23

/** End of the length-prefixed field at `at`, or -1 where it does not fit before `end`. */
export function fieldEnd(bytes: Buffer, at: number, end: number): number {
  if (at + 2 > end) return -1
  const fieldEndsAt = at + 2 + (((bytes[at] as number) << 8) | (bytes[at + 1] as number))
  return fieldEndsAt > end ? -1 : fieldEndsAt
}

/** A UTF-8 text from `start` to `end`: well formed [MQTT-1.5.3-1], no U+0000 [MQTT-1.5.3-2]. */
export function checkText(bytes: Buffer, start: number, end: number, what: string): Violation | undefined {
  let isAscii = true
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number
    if (byte === 0) return malformed(`${what} with a NUL`, 'MQTT-1.5.3-2')
    if (byte > 0x7f) isAscii = false
  }
  return isAscii || isUtf8(bytes.subarray(start, end))
    ? undefined
    : malformed(`${what} that is not UTF-8`, 'MQTT-1.5.3-1')
}

/** A topic name: as a text, at least one byte, no wildcard, within the limits. */
export function checkTopicName(bytes: Buffer, start: number, end: number, limits: Limits): Violation | undefined {
  if (start === end) return malformed('an empty topic name', 'MQTT-4.7.3-1')
  if (end - start > limits.topicBytes) return overLimit('topicBytes', limits, 'the client sent a longer topic name')
  let levels = 1
  let isAscii = true
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number
    if (byte === slash) levels++
    else if (byte === plus || byte === hash) return malformed('a topic name with a wildcard', 'MQTT-3.3.2-2')
    else if (byte === 0) return malformed('a topic name with a NUL', 'MQTT-4.7.3-2')
    else if (byte > 0x7f) isAscii = false
  }
  if (levels > limits.topicLevels) return overLimit('topicLevels', limits, 'the client sent a deeper topic name')
  if (!isAscii && !isUtf8(bytes.subarray(start, end)))
    return malformed('a topic name that is not UTF-8', 'MQTT-1.5.3-1')
  return undefined
}

/** A topic filter: as a topic name, with wildcards where they may stand. [MQTT-4.7.1-2], [MQTT-4.7.1-3] */
export function checkTopicFilter(bytes: Buffer, start: number, end: number, limits: Limits): Violation | undefined {
  if (start === end) return malformed('an empty topic filter', 'MQTT-4.7.3-1')
  if (end - start > limits.topicBytes) return overLimit('topicBytes', limits, 'the client sent a longer topic filter')
  const wrong = checkText(bytes, start, end, 'a topic filter')
  if (wrong !== undefined) return wrong
  let levels = 1
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number
    if (byte === slash) levels++
    if (byte !== plus && byte !== hash) continue
    const isAtLevelStart = index === start || bytes[index - 1] === slash
    const isAtLevelEnd = index + 1 === end || (byte === plus && bytes[index + 1] === slash)
    if (!isAtLevelStart || !isAtLevelEnd) {
      return byte === plus
        ? malformed('a topic filter with + in a part of a level', 'MQTT-4.7.1-3')
        : malformed('a topic filter with # elsewhere than as its last level', 'MQTT-4.7.1-2')
    }
  }
  return levels > limits.topicLevels
    ? overLimit('topicLevels', limits, 'the client sent a deeper topic filter')
    : undefined
}
