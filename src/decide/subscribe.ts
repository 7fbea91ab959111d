/** Decides a requested filter: covered by what is allowed, apart from what is denied (docs/semantics.md 3.2, 3.3). Pure. */
import type { Rule } from '../policy/model.ts'
import type { TopicFilter } from '../policy/topic.ts'
import type { Decision, Permit, Qos } from './decision.ts'
import type { Grant } from './grant.ts'
import type { Holding } from './holding.ts'
import { Refusal, whyNothingLeft, whyNotSubscribe } from './refusal.ts'
import { type Meeting, meetings, meetsAny } from './trie-meet.ts'
import { byDeny, byQos, worthOfFilter } from './trie-walk.ts'

/** Names its rules when somebody asks for them: there may be as many as the roles have. */
class SubscribePermit implements Permit {
  readonly effect = 'permit'
  readonly grantedQos: Qos
  readonly #holding: Holding
  readonly #filter: TopicFilter
  #rules: readonly Rule[] | undefined

  constructor(holding: Holding, filter: TopicFilter, grantedQos: Qos) {
    this.grantedQos = grantedQos
    this.#holding = holding
    this.#filter = filter
  }

  /** Every rule that allows some of the filter at this QoS. */
  get rules(): readonly Rule[] {
    this.#rules ??= rulesOf(this.#holding, meetingsWith(this.#holding, this.#filter), this.grantedQos)
    return this.#rules
  }
}

/** What a session may subscribe to; `isNarrowing` grants the allowed part of a filter that is too wide. */
export function decideSubscribe(holding: Holding, filter: TopicFilter, qos: Qos, isNarrowing: boolean): Decision {
  const { roleSet, values } = holding
  const levels = filter.split('/')
  const allowed = Math.min(qos, worthOfFilter(roleSet.receive, levels, values, byQos))
  const isWhole = allowed >= 0 && !meetsAny(roleSet.subscribeDenies, levels, values)
  const whole = isWhole
    ? new SubscribePermit(holding, filter, allowed as Qos)
    : new Refusal(whyNotSubscribe, holding, filter)
  return isNarrowing ? narrow(holding, filter, qos, whole) : whole
}

/** Accepted where something of an allow is left when the denies are taken away, at the highest such QoS. */
function narrow(holding: Holding, filter: TopicFilter, qos: Qos, whole: Decision): Decision {
  const { roleSet, values } = holding
  const deny = byDeny(roleSet.receive)
  const left = meetingsWith(holding, filter).filter(
    ({ joint }) => worthOfFilter(roleSet.receive, joint, values, deny) < 0,
  )
  const highest = left.reduce((best, { grant }) => Math.max(best, qosOf(holding, grant)), -1)
  if (highest < 0) return whole.effect === 'refuse' ? whole : new Refusal(whyNothingLeft, holding, filter)
  const grantedQos = Math.min(qos, highest) as Qos
  if (whole.effect === 'permit' && whole.grantedQos === grantedQos) return whole
  return { effect: 'permit', rules: rulesOf(holding, left, grantedQos), grantedQos, narrowed: true }
}

function meetingsWith({ roleSet: { receive }, values }: Holding, filter: TopicFilter): readonly Meeting[] {
  return meetings(receive, filter.split('/'), values, receive.allows)
}

function qosOf({ roleSet }: Holding, grant: number): number {
  return (roleSet.receive.grants[grant] as Grant).rule.maxQos ?? 2
}

/** Rules of these grants that allow this QoS, in order and each once. */
function rulesOf(holding: Holding, met: readonly Meeting[], qos: Qos): readonly Rule[] {
  const grants = met.map(({ grant }) => grant).filter(grant => qosOf(holding, grant) >= qos)
  const inOrder = [...new Set(grants)].sort((a, b) => a - b)
  return [...new Set(inOrder.map(grant => (holding.roleSet.receive.grants[grant] as Grant).rule))]
}
