/** CONNACK of a refusal: return codes of MQTT 3.1.1 (table 3.1) in one table, and the packet itself (docs/semantics.md 5.1). */
import type { ProblemCode } from '../problem.ts'

export type ConnackCode = 1 | 2 | 3 | 5

const byCode: Partial<Record<ProblemCode, ConnackCode>> = {
  'accept/connect-too-large': 3,
  'accept/protocol-version': 1,
  'accept/stale-crl': 3,
  'bind/client-id-empty': 2,
  'bind/client-id-mismatch': 2,
  'bind/owner-store': 3,
  'bind/session-live': 2,
  'bind/too-many-sessions': 3,
  'decide/too-many-rules': 3,
}

/** 1 protocol version · 2 client id · 3 limit, overload, stale CRL · 5 everything about certificate, identity, owner and will. */
export function connackCodeFor(code: ProblemCode): ConnackCode {
  return byCode[code] ?? 5
}

/** The CONNACK of a session that has just begun [MQTT-3.2.2-1]. */
export const connackAccepted: Uint8Array = Uint8Array.of(0x20, 2, 0, 0)

/** A CONNACK that refuses, in MQTT 3.1.1. */
export function connack(code: ConnackCode): Uint8Array {
  return Uint8Array.of(0x20, 2, 0, code)
}

/** The one that a client of another version understands: MQTT 5 has its own reason code and an empty list of properties. */
export function versionConnack(version: number): Uint8Array {
  return version === 5 ? Uint8Array.of(0x20, 3, 0, 0x84, 0) : connack(1)
}
