/** Topic names and filters, parsed once into nominal types: nothing else reaches a decision. MQTT 3.1.1 §4.7. Pure. */
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { quote } from './quote.ts'

declare const nameBrand: unique symbol
declare const filterBrand: unique symbol

/** A valid topic name: no wildcard, no NUL, 1 to 65,535 bytes of UTF-8. Only `parseTopicName` makes one. */
export type TopicName = string & { readonly [nameBrand]: true }

/** A valid topic filter that is not a shared subscription. Only `parseTopicFilter` makes one. */
export type TopicFilter = string & { readonly [filterBrand]: true }

const maxBytes = 65_535
const beyondAscii = /[^\u0000-\u007f]/
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

function utf8Bytes(text: string): number {
  let bytes = 0
  for (const character of text) {
    const point = character.codePointAt(0) as number
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return bytes
}

/** What is wrong with a text as name or filter alike; undefined where nothing is. */
function textMistake(text: string): string | undefined {
  if (text.length === 0) return 'it is empty' // [MQTT-4.7.3-1]
  if (text.includes('\u0000')) return 'it holds a NUL' // [MQTT-4.7.3-2]
  if (beyondAscii.test(text) && loneSurrogate.test(text)) return 'it is not valid UTF-8' // [MQTT-1.5.3-1]
  // a UTF-16 unit is three bytes at most, so short texts need no count
  if (text.length * 3 > maxBytes && utf8Bytes(text) > maxBytes) return `it is longer than ${maxBytes} bytes` // [MQTT-4.7.3-3]
  return undefined
}

/** What is wrong with a filter's wildcards; undefined where nothing is. [MQTT-4.7.1-2], [MQTT-4.7.1-3] */
export function wildcardMistake(levels: readonly string[]): string | undefined {
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index !== levels.length - 1)) return '# must be the whole last level'
    if (level.includes('+') && level !== '+') return '+ must be a whole level'
  }
  return undefined
}

const illegalName = (text: string, mistake: string): Problem =>
  problem('decide/illegal-topic', `${quote(text)} is no topic name: ${mistake}`)
const illegalFilter = (text: string, mistake: string): Problem =>
  problem('decide/illegal-filter', `${quote(text)} is no topic filter: ${mistake}`)

/** @example parseTopicName('plant/s1/pump-7/state') */
export function parseTopicName(text: string): Result<TopicName> {
  const mistake = textMistake(text) ?? (/[+#]/.test(text) ? 'it holds a wildcard' : undefined) // [MQTT-3.3.2-2]
  return mistake === undefined ? ok(text as TopicName) : fail(illegalName(text, mistake))
}

/** @example parseTopicFilter('plant/s1/#') */
export function parseTopicFilter(text: string): Result<TopicFilter> {
  if (text === '$share' || text.startsWith('$share/')) {
    return fail(
      problem('decide/shared-subscription', 'shared subscriptions are not available on this broker', {
        help: 'subscribe without $share/GROUP/',
      }),
    )
  }
  const mistake = textMistake(text) ?? wildcardMistake(text.split('/'))
  return mistake === undefined ? ok(text as TopicFilter) : fail(illegalFilter(text, mistake))
}
