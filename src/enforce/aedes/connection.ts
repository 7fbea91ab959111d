/** Connection: what the guard knows of one socket, from TLS up to close. */
import type { Duplex } from 'node:stream'
import type { Peer } from '../../accept/peer.ts'
import type { ConnectFacts, Gate } from '../../gate.ts'
import type { MappedIdentity } from '../../policy/model.ts'
import { type Problem, problem } from '../../problem.ts'
import type { Session } from '../../session.ts'
import type { TracedAction, TracedPeer } from '../../trace.ts'
import { who } from './who.ts'

export class Connection {
  readonly peer: Peer
  readonly #gate: Gate
  readonly #conn: Duplex
  readonly #deadline: NodeJS.Timeout
  readonly #admitted: () => void
  #session: Session | undefined
  #refused = false
  #closed = false
  #ending: Problem | undefined
  /** The CONNECT as it came in, before any hook could change it. */
  connect: ConnectFacts | undefined

  constructor(gate: Gate, peer: Peer, conn: Duplex, admitted: () => void) {
    this.peer = peer
    this.#gate = gate
    this.#conn = conn
    this.#admitted = admitted
    const seconds = gate.limits.connectSeconds
    this.#deadline = setTimeout(() => {
      this.refuse(problem('enforce/connect-timeout', `no CONNECT was accepted within ${seconds} s`))
      conn.destroy()
    }, seconds * 1000)
    conn.once('close', () => this.#onClose())
  }

  /** The bound session; undefined before log-in and after close of the gate's side. */
  get session(): Session | undefined {
    return this.#session
  }

  /** Binds the session; false where the socket went away meanwhile. */
  bind(session: Session): boolean {
    if (this.#closed || this.#refused) {
      session.close()
      return false
    }
    clearTimeout(this.#deadline)
    this.#admitted()
    this.#session = session
    this.#gate.trace({ event: 'connected', peer: this.traced(), revision: session.revision })
    return true
  }

  /** Reports why this connection gets no session; once. */
  refuse(p: Problem, action?: TracedAction, identity?: MappedIdentity): void {
    if (this.#refused || this.#closed) return
    this.#refused = true
    clearTimeout(this.#deadline)
    this.#gate.trace({
      event: 'connect-refused',
      peer: { ...this.traced(), ...(identity === undefined ? {} : { who: who(identity) }) },
      problem: p,
      ...(action === undefined ? {} : { action }),
    })
  }

  /** Notes why the connection is about to end, for the `disconnected` event; the first reason stays. */
  ending(p: Problem): void {
    this.#ending ??= p
  }

  /** Reports a refused action of the session. */
  report(action: TracedAction, p: Problem): void {
    this.#gate.trace({
      event: 'refused',
      peer: this.traced(),
      action,
      problem: p,
      revision: this.#session?.revision ?? this.#gate.policy.revision,
    })
  }

  destroy(): void {
    this.#conn.destroy()
  }

  traced(): TracedPeer {
    const session = this.#session
    const clientId = session?.clientId ?? this.connect?.clientId
    const subject = session === undefined ? this.#gate.subjectOf(this.peer) : undefined
    return {
      address: this.peer.address,
      ...(this.peer.fingerprint === '' ? {} : { fingerprint: this.peer.fingerprint }),
      ...(session === undefined ? {} : { who: who(session.identity) }),
      ...(subject === undefined ? {} : { subject }),
      ...(clientId === undefined ? {} : { clientId }),
    }
  }

  #onClose(): void {
    this.#closed = true
    clearTimeout(this.#deadline)
    if (this.#session === undefined) return
    this.#session.close()
    this.#gate.trace({
      event: 'disconnected',
      peer: this.traced(),
      ...(this.#ending === undefined ? {} : { problem: this.#ending }),
    })
  }
}
