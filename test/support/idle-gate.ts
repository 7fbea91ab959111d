/** As much of a gate as a node of a cluster looks at: one that nobody is logged in to. */
import type { Gate } from '../../src/gate.ts'

export function idleGate(revision: string): Gate {
  const parts = {
    policy: { revision },
    sessions: { keptIds: [], live: [] },
    revocations: { inForce: new Map() },
  }
  return parts as unknown as Gate
}
