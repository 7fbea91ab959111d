/** Binds a presented client id to an identity: byte for byte one of its own, or refused; never rewritten (docs/semantics.md 2.2). */
import { matchClientId, renderClientId } from '../policy/client-id-template.ts'
import type { MappedIdentity, PolicySet } from '../policy/model.ts'
import { quote } from '../policy/quote.ts'
import { fail, ok, problem, type Result } from '../problem.ts'

declare const brand: unique symbol

/** A client id that belongs to the identity that presented it. Only `bindClientId` makes one. */
export type ClientId = string & { readonly [brand]: true }

/** Values that a client-id template may use: captures and `set:` constants. */
function valuesOf(set: PolicySet, identity: MappedIdentity): ReadonlyMap<string, string> {
  return new Map([...(set.identities.get(identity.kind)?.set ?? []), ...identity.captures])
}

/** The client ids of an identity, with `free` where its template has `+`. */
export function expectedClientIds(set: PolicySet, identity: MappedIdentity, free = 'NAME'): readonly string[] {
  const values = valuesOf(set, identity)
  return (set.identities.get(identity.kind)?.clientIds ?? []).map(template => renderClientId(template, values, free))
}

/** @example const clientId = bindClientId(set, identity, 'pump-7') */
export function bindClientId(set: PolicySet, identity: MappedIdentity, presented: string): Result<ClientId> {
  const help = `set the client id to ${expectedClientIds(set, identity).join(' or ')}`
  if (presented === '')
    return fail(problem('bind/client-id-empty', 'the client id is empty, and the broker invents none', { help }))
  const values = valuesOf(set, identity)
  const templates = set.identities.get(identity.kind)?.clientIds ?? []
  if (templates.some(template => matchClientId(template, values, presented, set.settings.alphabet)))
    return ok(presented as ClientId)
  return fail(
    problem('bind/client-id-mismatch', `the client id ${quote(presented)} is not one of this ${identity.kind}'s`, {
      help,
    }),
  )
}
