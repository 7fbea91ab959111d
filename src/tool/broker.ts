/** The broker that `serve` and `demo` guard: aedes with its in-memory persistence. The only place of the tool that makes one. */
import { Aedes } from 'aedes'

export type { Client } from 'aedes'

/** A broker that is ready to be guarded. A subscriber that stops reading is given up after ten seconds. */
export function createBroker(): Promise<Aedes> {
  return Aedes.createBroker({ drainTimeout: 10_000 })
}
