/** One text per identity: two sessions have the same owner exactly where kind and all captures are equal (docs/semantics.md 2.3). */
import type { MappedIdentity } from '../policy/model.ts'

/** @example identityKey(identity) // '["device",["device","pump-7"],["site","s1"]]' */
export function identityKey(identity: MappedIdentity): string {
  const known = keys.get(identity)
  if (known !== undefined) return known
  const key = JSON.stringify([identity.kind, ...[...identity.captures].sort(([a], [b]) => (a < b ? -1 : 1))])
  keys.set(identity, key)
  return key
}

/** An identity never changes, and is asked about at every log-in and every refusal. */
const keys = new WeakMap<MappedIdentity, string>()
