/** Asks a policy set about an identity without a connection: members → client id or rights → decision. Pure. */
import { bindClientId } from '../bind/client-id.ts'
import type { MappedIdentity, PolicySet, RightsHolder } from '../policy/model.ts'
import { rightsHolderOf } from '../policy/rights-holder.ts'
import { compileRights } from './compile-rights.ts'
import { decideAction, refused } from './decide-action.ts'
import type { Decision, PublishFacts } from './decision.ts'

export const askedVerbs = ['publish', 'subscribe', 'receive', 'will', 'connect'] as const

export interface AskedAction extends PublishFacts {
  readonly verb: (typeof askedVerbs)[number]
  /** Topic name or filter; for `connect` the client id. */
  readonly topic: string
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
  const { verb } = action
  return verb === 'connect' ? { effect: 'permit', rules: [] } : decideAction(compiled.value, { ...action, verb })
}
