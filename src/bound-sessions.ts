/** Bound sessions: makes the sessions of a gate, and is what they follow: what is in force, and the end of their certificates. */
import type { Peer } from './accept/peer.ts'
import { Agenda } from './bind/agenda.ts'
import type { BoundMapping, Mapper } from './mapper.ts'
import type { Result } from './problem.ts'
import type { Recheck } from './recheck.ts'
import { Session, type Standing } from './session.ts'

export class BoundSessions implements Standing {
  readonly #now: () => number
  readonly #mapper: Mapper
  readonly #recheck: Recheck
  readonly #left: (session: Session) => void
  readonly #ends: Agenda<Session>

  /** `now`: milliseconds since 1970. `left` is told of each whose connection is gone. */
  constructor(now: () => number, mapper: Mapper, recheck: Recheck, left: (session: Session) => void) {
    this.#now = now
    this.#mapper = mapper
    this.#recheck = recheck
    this.#left = left
    this.#ends = new Agenda(now, session => session.judgeAgain())
  }

  make(peer: Peer, clean: boolean, mapping: BoundMapping): Session {
    const { clientId, notAfter } = mapping
    const session = new Session({ clientId, peer, notAfter, clean, since: this.#now(), mapping }, this)
    // the certificate counts up to and with its last second (RFC 5280 §4.1.2.5)
    this.#ends.add(session, notAfter + 1)
    return session
  }

  get epoch(): number {
    return this.#recheck.count
  }

  map({ peer, clientId }: Session): Result<BoundMapping> {
    return this.#mapper.ofLive(peer, clientId)
  }

  closed(session: Session): void {
    this.#ends.delete(session)
    this.#left(session)
  }
}
