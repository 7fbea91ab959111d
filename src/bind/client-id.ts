/** Binds a presented client id to an identity: byte for byte one of its own, or refused; never rewritten (docs/semantics.md 2.2). */
import { isRenderable, matchClientId, renderClientId } from '../policy/client-id-template.ts'
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
export function expectedClientIds(set: PolicySet, identity: MappedIdentity, free = '<any name>'): readonly string[] {
  const values = valuesOf(set, identity)
  const templates = set.identities.get(identity.kind)?.clientIds ?? []
  return templates
    .filter(template => isRenderable(template, values, set.settings.alphabet))
    .map(template => renderClientId(template, values, free))
}

/**
 * Binds a client id, or says which one it must be.
 * @example const clientId = bindClientId(set, identity, 'pump-7')
 */
export function bindClientId(set: PolicySet, identity: MappedIdentity, presented: string): Result<ClientId> {
  const values = valuesOf(set, identity)
  const templates = set.identities.get(identity.kind)?.clientIds ?? []
  const isOwn = templates.some(template => matchClientId(template, values, presented, set.settings.alphabet))
  if (isOwn && presented !== '') return ok(presented as ClientId)
  const help = helpFor(expectedClientIds(set, identity))
  if (presented === '') {
    return fail(problem('bind/client-id-empty', 'the client id is empty, and the broker invents none', { help }))
  }
  const sentence = `the client id ${quote(presented)} is not one of this ${identity.kind}'s`
  return fail(problem('bind/client-id-mismatch', sentence, { help }))
}

function helpFor(expected: readonly string[]): string {
  if (expected.length > 0) return `set the client id to ${expected.join(' or ')}`
  return 'no client id fits its certificate: a captured value is not of the kind that `clientId:` demands'
}
