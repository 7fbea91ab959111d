/** Of a refusal: the rules that come near, and what would have to change. */
import { nearMisses } from '../../decide/near-misses.ts'
import { type Change, whatWouldPermit } from '../../decide/what-would-permit.ts'
import type { PolicySet } from '../../policy/model.ts'
import { rightsHolderOf } from '../../policy/rights-holder.ts'
import type { Where } from '../../problem.ts'
import type { Explanation } from './explain.ts'
import { ruleText } from './rule-text.ts'

interface ShownMiss {
  readonly rule: string
  readonly where: Where
  /** The nearest of its filters, as it is for this identity. */
  readonly filter: string
  readonly role: string
  /** Whether the identity has the role; else a row of `members` may add it. */
  readonly isHeld: boolean
  /** The level, condition or role that fails. */
  readonly failed: string
}

export interface Ways {
  /** Nearest first, own roles before others. */
  readonly nearMisses: readonly ShownMiss[]
  /** Each of them alone would permit it; none where nothing short of another rule would. */
  readonly changes: readonly Change[]
}

const mostMisses = 5

/** Undefined for a permit, and where nobody is known who could be given anything. */
export function waysOf(set: PolicySet, { effect, identity, action }: Explanation): Ways | undefined {
  if (effect === 'permit' || identity === undefined) return undefined
  const holder = rightsHolderOf(set, identity)
  const near = holder.ok && action.verb !== 'connect' ? nearMisses(set, holder.value, action) : []
  return {
    nearMisses: near.slice(0, mostMisses).map(({ rule, filter, isHeld, failed }) => ({
      ...{ rule: ruleText(rule), where: rule.where, filter, role: rule.role, isHeld, failed },
    })),
    changes: whatWouldPermit(set, identity, action),
  }
}
