/** What a proof of a claim comes to. */
import type { Encounter, Someone } from '../encounter.ts'

export type Verdict =
  | { readonly kind: 'proved' }
  /** Two people and a topic that should not be; a flow has one for each step. */
  | { readonly kind: 'refuted'; readonly path: readonly Encounter[] }
  /** Somebody, alone, who can what nobody should, or cannot what all should. */
  | { readonly kind: 'refuted-by-one'; readonly who: Someone; readonly topic: string; readonly because: string }
  | { readonly kind: 'vacuous'; readonly because: string }

export const proved: Verdict = { kind: 'proved' }
