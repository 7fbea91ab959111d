/** An action made to fit a rule: its topic, and what the conditions of the rule ask of a message. Pure. */

import type { Rule } from '../policy/model.ts'
import { quote } from '../policy/quote.ts'
import type { AskedAction } from './ask.ts'
import type { NearMiss } from './near-misses.ts'

export interface FittedAction {
  readonly action: AskedAction
  /** What was changed. */
  readonly text: string
}

/** Undefined where nothing would be changed, or no topic of that rule is like this one. */
export function fitAction(
  { rule, filter }: NearMiss,
  asked: AskedAction,
  { keepsTopic }: { readonly keepsTopic: boolean },
): FittedAction | undefined {
  const levels = asked.topic.split('/')
  const fitted = keepsTopic ? levels : fitTopic(levels, filter.split('/'), asked.verb === 'subscribe')
  if (fitted === undefined) return undefined
  const conditions = rule.action === 'publish' ? fitMessage(rule, asked) : asked
  const action = { ...conditions, topic: fitted.join('/') }
  const texts = [...topicTexts(levels, fitted), ...messageTexts(asked, action)]
  return texts.length === 0 ? undefined : { action, text: texts.join(', and ') }
}

/** The topic with the levels that the filter names; what a wildcard takes stays as it is. */
function fitTopic(
  levels: readonly string[],
  filter: readonly string[],
  isFilter: boolean,
): readonly string[] | undefined {
  const end = levels.indexOf('#')
  const own = end < 0 ? levels : levels.slice(0, end)
  const fitted: string[] = []
  for (const [index, level] of filter.entries()) {
    if (level.startsWith('${')) return undefined
    if (level === '#') return [...fitted, ...restOf(levels, index, isFilter)]
    const asked = own[index]
    if (level === '+' && asked === undefined && !isFilter) return undefined
    fitted.push(level === '+' ? (asked ?? '+') : level)
  }
  return fitted
}

function restOf(levels: readonly string[], from: number, isFilter: boolean): readonly string[] {
  const rest = levels.slice(from)
  return rest.length === 0 && isFilter ? ['#'] : rest
}

function fitMessage(rule: Rule, asked: AskedAction): AskedAction {
  return {
    ...asked,
    qos: rule.maxQos !== undefined && asked.qos > rule.maxQos ? rule.maxQos : asked.qos,
    retain: rule.retain ?? asked.retain,
    payloadBytes: Math.min(asked.payloadBytes, rule.maxPayloadBytes ?? asked.payloadBytes),
  }
}

function topicTexts(levels: readonly string[], fitted: readonly string[]): readonly string[] {
  const topic = fitted.join('/')
  if (topic === levels.join('/')) return []
  if (levels.length !== fitted.length) return [`${quote(topic)} instead`]
  return fitted.flatMap((level, index) =>
    level === levels[index] ? [] : [`level ${index + 1} ${quote(levels[index] ?? '')} → ${quote(level)}`],
  )
}

function messageTexts(asked: AskedAction, action: AskedAction): readonly string[] {
  return [
    action.qos === asked.qos ? undefined : `QoS ${action.qos} at most`,
    action.retain === asked.retain ? undefined : action.retain ? 'retained' : 'not retained',
    action.payloadBytes === asked.payloadBytes ? undefined : `${action.payloadBytes} bytes at most`,
  ].filter(text => text !== undefined)
}
