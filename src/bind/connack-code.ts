/** CONNACK return codes of MQTT 3.1.1 (table 3.1) for a refusal: one table (docs/semantics.md 5.1). */
import type { ProblemCode } from '../problem.ts'

export type ConnackCode = 1 | 2 | 3 | 5

const byCode: Partial<Record<ProblemCode, ConnackCode>> = {
  'enforce/protocol-version': 1,
  'bind/client-id-empty': 2,
  'bind/client-id-mismatch': 2,
  'accept/stale-crl': 3,
  'decide/too-many-rules': 3,
}

/** 1 protocol version · 2 client id · 3 limit, overload, stale CRL · 5 everything about certificate, identity and will. */
export function connackCodeFor(code: ProblemCode): ConnackCode {
  return byCode[code] ?? 5
}
