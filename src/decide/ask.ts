/** Asks a policy set about an identity without a connection: members → client id or rights → decision. Pure. */
import { bindClientId } from '../bind/client-id.ts'
import type { MappedIdentity, PolicySet, RightsHolder } from '../policy/model.ts'
import { rightsHolderOf } from '../policy/rights-holder.ts'
import { parseTopicFilter, parseTopicName } from '../policy/topic.ts'
import type { Problem } from '../problem.ts'
import { compileRights } from './compile-rights.ts'
import type { Decision, Qos } from './decision.ts'

export const askedVerbs = ['publish', 'subscribe', 'receive', 'will', 'connect'] as const

export interface AskedAction {
  readonly verb: (typeof askedVerbs)[number]
  /** Topic name or filter; for `connect` the client id. */
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly payloadBytes: number
}

/**
 * What the set answers. A permitted `connect` names no rule: what decides it is the client id of the identity.
 * @example ask(set, identity, { verb: 'publish', topic: 'plant/s1/pump-7/state', qos: 0, retain: false, payloadBytes: 0 })
 */
export function ask(set: PolicySet, identity: MappedIdentity, action: AskedAction): Decision {
  const holder = rightsHolderOf(set, identity)
  return holder.ok ? askHolder(set, holder.value, action) : refused(holder.problem)
}

/** `ask` where the holder is known. */
export function askHolder(set: PolicySet, holder: RightsHolder, action: AskedAction): Decision {
  if (action.verb === 'connect') {
    const bound = bindClientId(set, holder.identity, action.topic)
    if (!bound.ok) return refused(bound.problem)
  }
  const compiled = compileRights(set, holder)
  if (!compiled.ok) return refused(compiled.problem)
  const rights = compiled.value
  const { verb, qos, retain, payloadBytes } = action
  if (verb === 'connect') return { effect: 'permit', rules: [] }
  if (verb === 'subscribe') {
    const filter = parseTopicFilter(action.topic)
    return filter.ok ? rights.subscribe(filter.value, qos) : refused(filter.problem)
  }
  const topic = parseTopicName(action.topic)
  if (!topic.ok) return refused(topic.problem)
  return verb === 'receive' ? rights.receive(topic.value) : rights.publish(topic.value, { qos, retain, payloadBytes })
}

function refused(p: Problem): Decision {
  return { effect: 'refuse', problem: p, rules: [] }
}
