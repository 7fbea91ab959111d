/** An action as somebody writes it, decided by rights: a name or filter that is not valid is refused like everything else. Pure. */
import { parseTopicFilter, parseTopicName } from '../policy/topic.ts'
import type { Problem } from '../problem.ts'
import type { Decision, PublishFacts, Rights } from './decision.ts'

/** A will is a publish. */
export interface WrittenAction extends PublishFacts {
  readonly verb: 'publish' | 'subscribe' | 'receive' | 'will'
  /** Topic name, or the filter of a subscription. */
  readonly topic: string
}

/** @example decideAction(rights, { verb: 'publish', topic: 'plant/s1/pump-7/state', qos: 0, retain: false, payloadBytes: 2 }) */
export function decideAction(rights: Rights, { verb, topic, ...facts }: WrittenAction): Decision {
  if (verb === 'subscribe') {
    const filter = parseTopicFilter(topic)
    return filter.ok ? rights.subscribe(filter.value, facts.qos) : refused(filter.problem)
  }
  const name = parseTopicName(topic)
  if (!name.ok) return refused(name.problem)
  return verb === 'receive' ? rights.receive(name.value) : rights.publish(name.value, facts)
}

export function refused(p: Problem): Decision {
  return { effect: 'refuse', problem: p, rules: [] }
}
