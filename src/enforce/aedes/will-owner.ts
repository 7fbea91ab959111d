/**
 * Whose a stored will is. It is sent when its client's broker has gone, and the client id alone does not say by then who may be
 * answered for: the certificate of the CONNECT is stored with it (docs/semantics.md 3.7).
 */
import type { Owner } from '../../bind/owner-store.ts'
import type { Gate } from '../../gate.ts'
import type { AedesPublish } from './shape.ts'

interface SignedWill extends AedesPublish {
  owner?: Owner
}

/** Notes in place who has left this will: aedes compares wills by identity. */
export function signedWill(gate: Gate, clientId: string, will: SignedWill): AedesPublish {
  const session = gate.liveSession(clientId)
  const owner = session && gate.ownerOf(session)
  if (owner !== undefined) will.owner = owner
  return will
}

/** Who has left it; undefined where the store does not say. */
export function ownerOfWill({ owner }: SignedWill): Owner | undefined {
  return Buffer.isBuffer(owner?.leafDer) && typeof owner.issuerKeyId === 'string' ? owner : undefined
}
