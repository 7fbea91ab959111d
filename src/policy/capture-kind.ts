/** How narrow the values of a capture are, from the certificate fields that give it. Pure. */
import type { FieldConditions, IdentityRule } from './model.ts'
import { type ValueKind, valueKinds } from './safe-value.ts'

const width = (kind: ValueKind): number => valueKinds.indexOf(kind)

/** The kind whose values all others of the list have too: each kind of `valueKinds` is part of the one before it. */
export function narrowest(kinds: readonly ValueKind[]): ValueKind {
  return kinds.reduce((one, other) => (width(one) >= width(other) ? one : other), 'safe')
}

/**
 * All fields of one alternative of `from:` must agree on a capture; any alternative may give it.
 * @example captureKind(set.identities.get('device'), 'site') // 'alnum'
 */
export function captureKind(rule: IdentityRule, name: string): ValueKind {
  const kindIn = (conditions: FieldConditions): ValueKind => {
    const parts = conditions.flatMap(({ anyOf }) => (anyOf.length === 1 ? anyOf : [])).flatMap(pattern => pattern.parts)
    return narrowest(parts.flatMap(part => (part.type === 'variable' && part.name === name ? [part.kind] : [])))
  }
  const kinds = rule.from.map(kindIn)
  return valueKinds.find(kind => kinds.includes(kind)) ?? 'safe'
}
