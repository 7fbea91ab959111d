/** Plans the certificate of a broker: the names under which clients reach it, and nothing of the policy. */
import type { KeyObject } from 'node:crypto'
import { PortcullisError, problem } from '../problem.ts'
import { notBeforeOf } from './authority.ts'
import { endAfter, type OpenCa, requireValid } from './ca-folder.ts'
import type { LeafPlan } from './issue-leaf.ts'

export interface ServerRequest {
  readonly name: string
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly publicKey: KeyObject
  readonly days: number
}

/** Throws where a client could never reach it, or a name cannot stand in a certificate. */
export function planServer(ca: OpenCa, { name, dns, ip, publicKey, days }: ServerRequest): LeafPlan {
  requireValid(ca)
  if (dns.length + ip.length === 0) {
    throw new PortcullisError([
      problem('provision/bad-name', 'a broker needs a name or address that clients reach it by', {
        help: 'add --dns broker.example or --ip 192.0.2.1',
      }),
    ])
  }
  const now = ca.now()
  return {
    profile: 'server',
    name,
    identity: `server:${name}`,
    clientIds: [],
    holds: [],
    subject: [['CN', name]],
    sans: { dns, ip },
    notBefore: notBeforeOf(now),
    notAfter: endAfter(now, days),
    publicKey,
  }
}
