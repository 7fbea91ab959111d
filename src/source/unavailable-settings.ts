/** Settings of the language that need a later part of the pipeline: refused, never ignored. */
import type { PolicySet } from '../policy/model.ts'
import { type Problem, problem } from '../problem.ts'

/** One problem for each setting that the running gate cannot enforce. */
export function unavailableSettings(set: PolicySet): readonly Problem[] {
  if (set.settings.onBroadSubscribe !== 'narrow') return []
  return [
    problem('policy/not-yet-enforced', '`onBroadSubscribe: narrow` is not enforced by this version', {
      help: 'take it out of `settings:`',
    }),
  ]
}
