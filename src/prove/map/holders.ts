/** Which identities have which roles, and which roles one session may have together. Pure. */
import type { IdentityRule, PolicySet } from '../../policy/model.ts'
import { everyone } from '../../policy/rights-holder.ts'
import { roleSetOf } from '../role-sets.ts'

/** Names of identities. */
export interface RoleHolders {
  readonly always: readonly string[]
  /** By a row of members. */
  readonly may: readonly string[]
}

export class Holders {
  readonly #set: PolicySet
  readonly #together = new Map<string, boolean>()

  constructor(set: PolicySet) {
    this.#set = set
  }

  of(role: string): RoleHolders {
    const identities = [...this.#set.identities.values()]
    const has = (identity: IdentityRule): boolean => role === everyone || identity.roles.includes(role)
    return {
      always: identities.filter(has).map(identity => identity.name),
      may: identities
        .filter(identity => !has(identity) && roleSetOf(identity, [role]) !== undefined)
        .map(identity => identity.name),
    }
  }

  /** Whether some session may have both. */
  mayMeet(a: string, b: string): boolean {
    return this.#remember(`may ${a} ${b}`, () => {
      const named = [a, b].filter(role => role !== everyone)
      return [...this.#set.identities.values()].some(identity => roleSetOf(identity, named) !== undefined)
    })
  }

  /** Whether every session that has the one has the other too. */
  isAlwaysWith(a: string, b: string): boolean {
    return this.#remember(`always ${a} ${b}`, () => {
      if (a === b || b === everyone) return true
      const { always, may } = this.of(a)
      return [...always, ...may].every(name => this.#set.identities.get(name)?.roles.includes(b) === true)
    })
  }

  #remember(key: string, find: () => boolean): boolean {
    const known = this.#together.get(key)
    if (known !== undefined) return known
    const found = find()
    this.#together.set(key, found)
    return found
  }
}
