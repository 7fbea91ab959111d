/**
 * Live registry: who is live on which node of a cluster. A node knows its own sessions; what another one has, it asks for here, before
 * it admits (docs/semantics.md 2.4, 2.5).
 */
import type { Problem } from '../problem.ts'

/** A place that a log-in asks for. */
export interface Place {
  readonly clientId: string
  /** Its `identityKey`. */
  readonly identity: string
  /** How many sessions the identity may have, live and kept, on all nodes together. */
  readonly maxSessions: number
  /** Client ids of its kept sessions, on whichever node they were left. */
  readonly kept: ReadonlySet<string>
  /** Whether it takes over from a live session of its own on another node. */
  readonly takesOver: boolean
}

export interface LiveRegistry {
  /**
   * Takes the place in one step, after whoever had it on another node has gone; why not, otherwise. Of two nodes that ask at once for
   * the last place, one gets it.
   */
  take(place: Place): Promise<Problem | undefined>
  /** The session is gone, or never began. */
  leave(place: Pick<Place, 'clientId' | 'identity'>): void
}
