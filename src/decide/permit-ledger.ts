/** Permit ledger: which permits of one session are news. One per session; pure, and cheap enough to be asked for every packet. */
import type { PermitsMode } from '../trace.ts'

/** Most rules that one ledger remembers. At more it starts anew: a permit may then be told twice, but is never left out. */
const maxRules = 4096

/**
 * Remembers rules by identity: those of a `PolicySet` are the same objects for as long as its revision is in force.
 * @example
 * const ledger = new PermitLedger('distinct')
 * if (ledger.isNews(decision.rules, session.revision)) trace({ event: 'permitted', … })
 */
export class PermitLedger {
  readonly #mode: PermitsMode
  /** Made with the first that is looked for. */
  #seen: Set<object> | undefined
  #revision: string | undefined

  constructor(mode: PermitsMode) {
    this.#mode = mode
  }

  /** Whether a permit by these rules is to be told; what is asked about counts as told. */
  isNews(rules: readonly object[], revision: string): boolean {
    if (this.#mode !== 'distinct') return this.#mode === 'all'
    if (revision !== this.#revision) {
      this.#revision = revision
      this.#seen = undefined
    }
    this.#seen ??= new Set()
    const seen = this.#seen
    let isNews = false
    for (const rule of rules) {
      if (seen.has(rule)) continue
      if (seen.size >= maxRules) seen.clear()
      seen.add(rule)
      isNews = true
    }
    return isNews
  }
}
