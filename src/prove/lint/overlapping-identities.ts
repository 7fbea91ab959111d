/** Two identities that one certificate can be: it would be refused at its first log-in. Pure. */
import { matchIdentity } from '../../policy/match-identity.ts'
import type { FieldConditions, FieldName, FieldTable, IdentityRule, PolicySet } from '../../policy/model.ts'
import type { Pattern } from '../../policy/pattern.ts'
import { sharedText } from '../../policy/shared-text.ts'
import type { World } from '../reach.ts'
import type { Warning } from './lint-policy.ts'

export function overlappingIdentities({ set, budget }: World): readonly Warning[] {
  const rules = [...set.identities.values()]
  return rules.flatMap((one, index) =>
    rules.slice(index + 1).flatMap(other => {
      budget.spend()
      const certificate = commonCertificate(set, one, other)
      if (certificate === undefined) return []
      const fields = [...certificate.values].map(([field, [value]]) => `${field}=${value?.text}`).join(', ')
      return [
        {
          name: 'overlapping-identities' as const,
          sentence: `a certificate with ${fields} is both ${one.name} and ${other.name}, and would be refused`,
          help: 'separate the two with `except:` or another field',
          where: other.where,
          accept: other.accept,
        },
      ]
    }),
  )
}

/** A certificate that matching itself calls ambiguous. */
function commonCertificate(set: PolicySet, one: IdentityRule, other: IdentityRule): FieldTable | undefined {
  if (one.issuer !== undefined && other.issuer !== undefined && one.issuer !== other.issuer) return undefined
  for (const a of one.from) {
    for (const b of other.from) {
      const table = joint(set, one.issuer ?? other.issuer, a, b)
      if (table === undefined) continue
      const found = matchIdentity(set, table)
      if (!found.ok && found.problem.code === 'authenticate/ambiguous-identity') return table
    }
  }
  return undefined
}

function joint(
  set: PolicySet,
  issuer: string | undefined,
  a: FieldConditions,
  b: FieldConditions,
): FieldTable | undefined {
  const patterns = new Map<FieldName, readonly (readonly Pattern[])[]>()
  for (const { field, anyOf } of [...a, ...b]) patterns.set(field, [...(patterns.get(field) ?? []), anyOf])
  const values = new Map<FieldName, FieldTable['values'] extends ReadonlyMap<FieldName, infer V> ? V : never>()
  for (const [field, [left = [], right = left]] of patterns) {
    const { alphabet } = set.settings
    const text = left
      .flatMap(x => right.map(y => sharedText(x.parts, y.parts, alphabet, { isVaried: true })))
      .find(found => found !== undefined)
    if (text === undefined) return undefined
    const stringType = field.startsWith('san.') ? 'ia5' : 'utf8'
    values.set(field, [{ text, stringType, inMultiValuedRdn: false }])
  }
  return { issuer, values }
}
