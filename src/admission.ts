/** Admission: what a CONNECT gets of the gate: a session, or a refusal with its CONNACK return code. */
import { type ConnackCode, connackCodeFor } from './bind/connack-code.ts'
import type { MappedIdentity } from './policy/model.ts'
import type { Problem } from './problem.ts'
import type { Session } from './session.ts'

export type Admission =
  | { readonly effect: 'permit'; readonly session: Session }
  | {
      readonly effect: 'refuse'
      /** CONNACK return code of MQTT 3.1.1. */
      readonly returnCode: ConnackCode
      readonly problem: Problem
      /** What is known of the peer, for the log. */
      readonly subject?: string
      readonly identity?: MappedIdentity
    }

/** `about`: what is known of the peer, for the log. */
export function refuse(p: Problem, about: { subject?: string; identity?: MappedIdentity }): Admission {
  return { effect: 'refuse', returnCode: connackCodeFor(p.code), problem: p, ...about }
}
