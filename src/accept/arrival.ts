/**
 * Arrival: a TCP connection until a session is bound on it. It has a deadline to bring TLS up, a place among those of its address,
 * and a PROXY header where it comes from a load balancer. Whoever is logged in has none any more: a fleet holds many of those.
 */
import type { Socket } from 'node:net'
import { type Problem, problem } from '../problem.ts'
import type { Trace } from '../trace.ts'
import type { Limits } from './limits.ts'
import { readProxyHeader, type Source } from './proxy-protocol.ts'
import type { WaitingConnections } from './waiting-connections.ts'

/** What the arrivals of a listener have in common. */
export interface ArrivalHall {
  readonly limits: Limits
  readonly trace: Trace
  /** Whether what comes from this address must begin with a PROXY header. */
  readonly speaksProxy: (address: string) => boolean
  /** Who has not sent a PROXY header yet, and who has not logged in yet. */
  readonly awaitingHeader: WaitingConnections
  readonly waiting: WaitingConnections
  /** Begins the TLS handshake. */
  readonly shake: (socket: Socket) => void
}

export class Arrival {
  readonly #socket: Socket
  readonly #hall: ArrivalHall
  #source: Source
  #isProxied = false
  #isRefused = false
  #deadline: NodeJS.Timeout | undefined
  #leave: (() => void) | undefined

  /** `source` is as TCP says. */
  constructor(socket: Socket, source: Source, hall: ArrivalHall) {
    const { handshakeSeconds } = hall.limits
    this.#socket = socket
    this.#source = source
    this.#hall = hall
    // node's own handshakeTimeout only emits an event and leaves the socket open
    this.#deadline = setTimeout(() => {
      this.#refuse(problem('accept/handshake-timeout', `no TLS handshake within ${handshakeSeconds} s`))
    }, handshakeSeconds * 1000)
  }

  /** Who is at the other end: as TCP says, until a PROXY header says otherwise. */
  get source(): Source {
    return this.#source
  }

  get isProxied(): boolean {
    return this.#isProxied
  }

  /** Told already: what comes of it need not be. */
  get isRefused(): boolean {
    return this.#isRefused
  }

  /** Lets it in, or refuses it. */
  enter(): void {
    const { speaksProxy, awaitingHeader } = this.#hall
    if (!speaksProxy(this.#source.address)) this.#shake()
    else if (this.#count(awaitingHeader, 'have not sent their PROXY header yet')) this.#awaitHeader()
  }

  /** TLS is up, or the connection gone. */
  dropDeadline(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  /** It waits for nobody to log in any more. */
  leave(): void {
    this.#leave?.()
    this.#leave = undefined
  }

  #awaitHeader(): void {
    readProxyHeader(this.#socket, header => {
      this.leave()
      if (!header.ok) return this.#refuse(header.problem)
      if (header.value.source !== undefined) {
        this.#source = header.value.source
        this.#isProxied = true
      }
      this.#shake()
    })
  }

  #shake(): void {
    if (this.#count(this.#hall.waiting, 'have not logged in yet')) this.#hall.shake(this.#socket)
  }

  /** Counts it among those of its address; false where there are too many, and it is refused. */
  #count(counted: WaitingConnections, what: string): boolean {
    this.#leave = counted.enter(this.#source.address)
    if (this.#leave !== undefined) return true
    this.#refuse(problem('accept/too-many-waiting', `${counted.limit} connections from this address ${what}`))
    return false
  }

  #refuse(p: Problem): void {
    this.#isRefused = true
    this.#hall.trace({ event: 'handshake-refused', peer: { address: this.#source.address }, problem: p })
    this.#socket.destroy()
  }
}
