/** An identity that somebody names outright: taken only where a certificate could be it. Pure. */
import { fail, ok, problem, type Result } from '../problem.ts'
import type { IdentityRule, MappedIdentity, PolicySet } from './model.ts'
import { didYouMean } from './nearest-name.ts'
import { quote } from './quote.ts'
import { isSafeValue, type SafeAlphabet } from './safe-value.ts'

/**
 * Exactly the captures of an identity of the set, and safe values.
 * @example namedIdentity(set, { kind: 'device', captures })
 */
export function namedIdentity(set: PolicySet, { kind, captures }: MappedIdentity): Result<MappedIdentity> {
  const rule = set.identities.get(kind)
  if (rule === undefined) {
    return fail(
      problem('tool/bad-who', `there is no identity ${quote(kind)}`, {
        help: didYouMean(kind, set.identities.keys(), 'identities'),
      }),
    )
  }
  const isExact = captures.size === rule.captures.length && rule.captures.every(name => captures.has(name))
  if (!isExact) {
    return fail(
      problem('tool/bad-who', `${kind} needs exactly ${rule.captures.join(', ') || 'no values'}`, {
        help: `write it as \`${kind}:${rule.captures.map(name => `${name}=…`).join(',')}\``,
      }),
    )
  }
  for (const [name, value] of captures) {
    if (isSafeValue(value, set.settings.alphabet) && isCapturable(rule, set.settings.alphabet, name, value)) continue
    return fail(
      problem('tool/bad-who', `${name} cannot be ${quote(value)}: no certificate with such a value is accepted`, {
        help: 'a value has 1 to 64 letters, digits, `.`, `_` or `-`, begins with neither `.` nor `-`, and is of the kind that `from:` says',
      }),
    )
  }
  return ok({ kind, captures })
}

/** Whether some alternative of `from:` could capture this value. */
function isCapturable(rule: IdentityRule, alphabet: SafeAlphabet, name: string, value: string): boolean {
  return rule.from.some(conditions =>
    conditions
      .flatMap(condition => condition.anyOf.flatMap(pattern => pattern.parts))
      .every(part => part.type !== 'variable' || part.name !== name || isSafeValue(value, alphabet, part.kind)),
  )
}
