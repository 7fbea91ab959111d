/** Settings of the language that need a later part of the pipeline: refused, never ignored. */
import type { PolicySet } from '../policy/model.ts'
import { type Problem, problem } from '../problem.ts'

/** One problem for each setting that the running gate cannot enforce. */
export function unavailableSettings(set: PolicySet): readonly Problem[] {
  const wanted = [
    set.settings.onBroadSubscribe === 'narrow' && '`onBroadSubscribe: narrow`',
    set.settings.onTakeover === 'refuse' && '`onTakeover: refuse`',
  ].filter(text => typeof text === 'string')
  const settings = wanted.map(text =>
    problem('policy/not-yet-enforced', `${text} is not enforced by this version`, {
      help: 'take it out of `settings:`',
    }),
  )
  // what is vouched for is watched by refusing a second claimant, which needs the ownership of sessions
  const vouched = [...set.identities.values()].filter(identity => identity.clientIdUnique === 'vouched')
  return [
    ...settings,
    ...vouched.map(({ name, where }) =>
      problem('policy/not-yet-enforced', `\`clientIdUnique: vouched\` of ${name} is not enforced by this version`, {
        where,
        help: 'choose a client id that only one identity can claim',
      }),
    ),
  ]
}
