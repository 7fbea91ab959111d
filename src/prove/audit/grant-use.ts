/** Which rules of a set the permits of a log use. Each is asked again, so that files which were edited since do not matter. */
import { askHolder } from '../../decide/ask.ts'
import { determiningGrants, type HeldGrant, heldGrants } from '../../decide/determining.ts'
import type { Grant } from '../../decide/grant.ts'
import { grantsOf } from '../../decide/role-set.ts'
import type { LoggedDecision } from '../../observe/read-log.ts'
import type { FilterTemplate } from '../../policy/filter-template.ts'
import { identityText } from '../../policy/identity-text.ts'
import type { PolicySet, RightsHolder, TestAction } from '../../policy/model.ts'
import { namedIdentity } from '../../policy/named-identity.ts'
import { rightsHolderOf } from '../../policy/rights-holder.ts'

/** Holders, and questions, that are remembered; beyond it they are forgotten and found again. */
const remembered = 20_000

interface Held {
  readonly holder: RightsHolder
  readonly grants: readonly HeldGrant[]
}

/** @example const use = new GrantUse(set); use.add(decision); use.unused() */
export class GrantUse {
  readonly #set: PolicySet
  /** Filters of allows that nothing used so far. A rule for shared subscriptions permits nothing that a log could show. */
  readonly #unused: Map<FilterTemplate, Grant>
  readonly #holders = new Map<string, Held | undefined>()
  readonly #asked = new Set<string>()

  constructor(set: PolicySet) {
    this.#set = set
    const allows = grantsOf(set, [...set.roles.keys()]).filter(
      ({ rule }) => rule.effect === 'allow' && rule.share === undefined,
    )
    this.#unused = new Map(allows.map(grant => [grant.template, grant]))
  }

  add(decision: LoggedDecision): void {
    const { effect, identity, captures, action } = decision
    if (effect !== 'permit' || action.verb === 'connect' || this.#unused.size === 0) return
    const who = identityText({ kind: identity, captures })
    const { verb, topic, qos = 0, retain = false, payloadBytes = 0 } = action
    const question = JSON.stringify([who, verb, topic, qos, retain, payloadBytes])
    if (this.#asked.has(question)) return
    if (this.#asked.size >= remembered) this.#asked.clear()
    this.#asked.add(question)
    const held = this.#holderOf(decision, who)
    if (held === undefined) return
    const asked = { verb, topic, qos: qos as TestAction['qos'], retain, payloadBytes }
    const decided = askHolder(this.#set, held.holder, asked)
    if (decided.effect !== 'permit') return
    const where = { file: 'log' }
    for (const { template } of determiningGrants(held.grants, { ...asked, where }, decided))
      this.#unused.delete(template)
  }

  /** In the order of the set. */
  unused(): readonly Grant[] {
    return [...this.#unused.values()]
  }

  #holderOf({ identity: kind, captures }: LoggedDecision, who: string): Held | undefined {
    if (this.#holders.has(who)) return this.#holders.get(who)
    const identity = namedIdentity(this.#set, { kind, captures })
    const holder = identity.ok ? rightsHolderOf(this.#set, identity.value) : identity
    const held = holder.ok ? { holder: holder.value, grants: heldGrants(this.#set, holder.value) } : undefined
    if (this.#holders.size >= remembered) this.#holders.clear()
    this.#holders.set(who, held)
    return held
  }
}
