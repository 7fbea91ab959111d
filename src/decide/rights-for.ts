/**
 * Rights for whoever presents a client id: members and roles → client id → rights. What the gate does at a CONNECT, and the
 * authority before it issues a certificate, is this and nothing else. Pure.
 */
import { bindClientId, type ClientId } from '../bind/client-id.ts'
import type { MappedIdentity, PolicySet, RightsHolder } from '../policy/model.ts'
import { rightsHolderOf } from '../policy/rights-holder.ts'
import { ok, type Result } from '../problem.ts'
import { compileRights } from './compile-rights.ts'
import type { Rights } from './decision.ts'

export interface BoundHolder {
  readonly holder: RightsHolder
  readonly clientId: ClientId
  readonly rights: Rights
}

/** @example rightsFor(set, identity, 'pump-7') */
export function rightsFor(set: PolicySet, identity: MappedIdentity, presented: string): Result<BoundHolder> {
  const holder = rightsHolderOf(set, identity)
  if (!holder.ok) return holder
  const clientId = bindClientId(set, identity, presented)
  if (!clientId.ok) return clientId
  const rights = compileRights(set, holder.value)
  return rights.ok ? ok({ holder: holder.value, clientId: clientId.value, rights: rights.value }) : rights
}
