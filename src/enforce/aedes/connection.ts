/** Connection: one socket from TLS up to its close. It frames what comes, has the gate decide the CONNECT, and holds the session. */
import type { Duplex } from 'node:stream'
import type { ConnectPacket } from '../../accept/framer/connect-packet.ts'
import { type FramedStream, type FrameEvents, frameStream, type Inbound } from '../../accept/framer/frame-stream.ts'
import type { AskedSubscription } from '../../accept/framer/packet-rules.ts'
import type { Peer } from '../../accept/peer.ts'
import { connack, connackCodeFor, versionConnack } from '../../bind/connack-code.ts'
import { identityKey } from '../../bind/identity-key.ts'
import type { Permit } from '../../decide/decision.ts'
import type { PermittedVerb } from '../../decide/permit-counts.ts'
import { PermitLedger } from '../../decide/permit-ledger.ts'
import type { Admission, Gate } from '../../gate.ts'
import { identityText } from '../../policy/identity-text.ts'
import type { MappedIdentity } from '../../policy/model.ts'
import { type Problem, problem } from '../../problem.ts'
import type { Session } from '../../session.ts'
import type { TracedAction, TracedPeer } from '../../trace.ts'
import type { DenialBudget } from '../denial-budget.ts'
import { WriteBatch } from '../write-batch.ts'
import { type Looks, type Stalling, WriteWatch } from '../write-watch.ts'
import { Grants } from './grants.ts'

/** What the connections of a guard have in common: their gate, and the broker behind them. */
export interface ConnectedBroker {
  readonly gate: Gate
  readonly denials: DenialBudget
  readonly looks: Looks
  /** Hands a socket to the broker, once a session is bound. */
  readonly attach: (conn: Duplex) => void
  /** How the broker's client of a socket takes packets, where it is not by reading it. */
  readonly inbound: (conn: Duplex) => Inbound | undefined
  /** Whether the broker counts a socket's client among its own; it will then say when it is done with it. */
  readonly isRegistered: (conn: Duplex) => boolean
  /** Ends the broker's side of a session whose will must not be sent. */
  readonly suppressWill: (conn: Duplex) => void
}

export class Connection implements FrameEvents, Stalling {
  readonly peer: Peer
  readonly conn: Duplex
  /** What the broker's SUBACKs have granted. */
  readonly grants: Grants = new Grants()
  /** Everything that is written to the socket. */
  readonly output: WriteBatch
  readonly #side: ConnectedBroker
  readonly #gate: Gate
  readonly #framed: FramedStream
  readonly #watch: WriteWatch
  /** To be called when the broker has logged the session in. What is for once is let go: a fleet holds many that are idle. */
  #admitted: (() => void) | undefined
  #deadline: NodeJS.Timeout | undefined
  readonly #permits: PermitLedger
  #permitted = 0
  #refused = 0
  #clientId: string | undefined
  #session: Session | undefined
  #keepAliveSeconds = 0
  #isReady = false
  #isRefused = false
  #isEnded = false
  #ending: Problem | undefined

  /** `admitted` is called when the broker has logged the session in. Whoever makes it calls `closed` when the stream has closed. */
  constructor(peer: Peer, conn: Duplex, side: ConnectedBroker, admitted: () => void) {
    const { gate } = side
    this.peer = peer
    this.conn = conn
    this.#gate = gate
    this.#side = side
    this.#admitted = admitted
    this.#permits = new PermitLedger(gate.permits)
    const { connectSeconds, writeStallSeconds } = gate.limits
    this.#deadline = setTimeout(() => {
      this.close(problem('enforce/connect-timeout', `no CONNECT was accepted within ${connectSeconds} s`))
    }, connectSeconds * 1000)
    this.#framed = frameStream(conn, gate.limits, this)
    this.#watch = new WriteWatch(conn, writeStallSeconds, this, side.looks)
    this.output = new WriteBatch(conn)
  }

  /** The bound session; undefined before it is bound. */
  get session(): Session | undefined {
    return this.#session
  }

  /** How often the client must be heard of; 0: it need not. */
  get keepAliveSeconds(): number {
    return this.#keepAliveSeconds
  }

  /** How often something was permitted and refused so far. */
  get decided(): { readonly permits: number; readonly refusals: number } {
    return { permits: this.#permitted, refusals: this.#refused }
  }

  /** The broker has sent CONNACK 0: what the client sends from now on reaches it. */
  ready(): void {
    if (this.#isReady || this.#session === undefined || this.conn.destroyed) return
    this.#isReady = true
    this.#dropDeadline()
    this.#admitted?.()
    this.#admitted = undefined
    this.#gate.trace({ event: 'connected', peer: this.traced(), revision: this.#session.revision })
    this.#framed.open(this.#side.inbound(this.conn))
  }

  /** Reports, once, why this connection gets no session; the answer to the client is the caller's. */
  refuse(p: Problem, action?: TracedAction, identity?: MappedIdentity): void {
    if (this.#isRefused || this.#isReady) return
    this.#isRefused = true
    this.#gate.trace({
      event: 'connect-refused',
      peer: { ...this.traced(), ...(identity === undefined ? {} : { who: identityText(identity) }) },
      problem: p,
      ...(action === undefined ? {} : { action }),
    })
  }

  /** Notes why the connection is about to end, for the `disconnected` event; the first reason stays. */
  ending(p: Problem): void {
    this.#ending ??= p
  }

  /** Ends the connection for that reason. Its will is the broker's to send. */
  close(p: Problem): void {
    if (this.#isReady) this.ending(p)
    else this.refuse(p)
    this.#framed.destroy()
  }

  /** Ends it once what was written before has been sent; nothing that comes is looked at any more. Its will is the broker's to send. */
  part(p: Problem): void {
    this.ending(p)
    this.#framed.refuse(Buffer.alloc(0))
  }

  /** Reports a refused publish or subscription and counts it; one too many closes the connection. */
  deny(action: TracedAction, p: Problem): void {
    this.report(action, p)
    const session = this.#session
    if (session === undefined || this.#side.denials.spend(identityKey(session.identity))) return
    const { deniedPerMinute } = this.#gate.limits
    this.close(problem('enforce/too-many-denials', `more than ${deniedPerMinute} actions were refused within a minute`))
  }

  /** Reports a refusal that is not the client's doing, such as a delivery that was cut. */
  report(action: TracedAction, p: Problem): void {
    this.#refused++
    const revision = this.#session?.revision ?? this.#gate.policy.revision
    this.#gate.trace({ event: 'refused', peer: this.traced(), action, problem: p, revision })
  }

  /** Counts a permit, and reports it where `log.permits` asks for it, or somebody watches. */
  permit(action: TracedAction & { readonly verb: PermittedVerb }, { rules, narrowed, reported }: Permit): void {
    this.#permitted++
    // told already, as what it is
    if (reported) return
    this.#gate.permitCounts.add(action.verb, rules)
    const revision = this.#session?.revision ?? this.#gate.policy.revision
    const tell = this.#permits.isNews(rules, revision) ? this.#gate.trace : this.#gate.otherPermits
    if (tell === undefined) return
    const how = narrowed === undefined ? {} : { narrowed }
    tell({ event: 'permitted', peer: this.traced(), action, rules, ...how, revision })
  }

  /** The broker is done with this connection: its session is free. */
  leave(): void {
    this.#session?.close()
  }

  /** The stream has closed. */
  closed(): void {
    this.#dropDeadline()
    this.#watch.stop()
    if (!this.#side.isRegistered(this.conn)) this.leave()
    // the broker says when it is done with it; should it never, nobody may be shut out for ever
    else setTimeout(() => this.leave(), this.#gate.limits.connectSeconds * 500).unref()
    if (!this.#isReady) return
    const problem = this.#ending === undefined ? {} : { problem: this.#ending }
    this.#gate.trace({ event: 'disconnected', peer: this.traced(), ...problem })
  }

  traced(): TracedPeer {
    const session = this.#session
    const clientId = session?.clientId ?? this.#clientId
    const subject = session === undefined ? this.#gate.subjectOf(this.peer) : undefined
    return {
      address: this.peer.address,
      ...(this.peer.fingerprint === '' ? {} : { fingerprint: this.peer.fingerprint }),
      ...(session === undefined ? {} : { who: identityText(session.identity) }),
      ...(subject === undefined ? {} : { subject }),
      ...(clientId === undefined ? {} : { clientId }),
    }
  }

  connect(packet: ConnectPacket): void {
    void this.#decide(packet)
  }

  /** aedes fixes the QoS that it grants before any hook, so a lower grant is written into the SUBSCRIBE (docs/semantics.md 3.2). */
  subscribe(asked: readonly AskedSubscription[]): void {
    for (const one of asked) {
      const decision = this.#session?.subscribe(one.filter, one.asked)
      if (decision?.effect === 'permit') one.qos = decision.grantedQos ?? one.asked
    }
  }

  /** Something came that must not pass. What came before it in one piece is still done. */
  violation(p: Problem, version: number | undefined): void {
    if (this.#isReady) {
      this.ending(p)
      setImmediate(() => this.#framed.destroy())
      return
    }
    this.refuse(p)
    if (version !== undefined) this.#framed.refuse(versionConnack(version))
    else if (p.code === 'accept/connect-too-large') this.#framed.refuse(connack(connackCodeFor(p.code)))
    // what is no CONNECT gets no CONNACK [MQTT-3.1.4-1]
    else this.#framed.destroy()
  }

  stalled(seconds: number): void {
    this.close(problem('accept/write-stalled', `the client has taken nothing for ${seconds} s`))
  }

  async #decide(packet: ConnectPacket): Promise<void> {
    this.#clientId = packet.clientId
    const admission = await this.#gate
      .admit(this.peer, packet, () => this.conn.destroyed)
      .catch((error: unknown): Admission => {
        const sentence = `a check failed and refused: ${error instanceof Error ? error.message : 'unknown error'}`
        return { effect: 'refuse', returnCode: 3, problem: problem('enforce/internal', sentence) }
      })
    if (admission.effect === 'refuse') {
      const isWill = admission.problem.code === 'bind/will-refused' && packet.will !== undefined
      const action: TracedAction = isWill
        ? { verb: 'will', ...packet.will }
        : { verb: 'connect', topic: packet.clientId }
      this.refuse(admission.problem, action, admission.identity)
      this.#framed.refuse(connack(admission.returnCode))
      return
    }
    const { session } = admission
    // the socket may have gone, or its deadline come, while the session waited for its turn
    if (this.conn.destroyed || this.#isRefused) return session.close()
    this.#session = session
    session.on('ended', (p, will) => this.#onEnded(p, will))
    const isCapped = this.#gate.policy.set.settings.onTakeover === 'refuse'
    this.#keepAliveSeconds = isCapped ? this.#cappedKeepAlive(packet) : packet.keepAliveSeconds
    this.#framed.attach(this.#side.attach, this.#keepAliveSeconds)
  }

  /** Where nobody may take over, a half-open connection must end by itself (docs/semantics.md 2.4). */
  #cappedKeepAlive({ keepAliveSeconds }: ConnectPacket): number {
    const cap = this.#gate.limits.keepAliveSeconds
    return keepAliveSeconds === 0 ? cap : Math.min(keepAliveSeconds, cap)
  }

  /** The first time counts. */
  #onEnded(p: Problem, will: 'suppress' | 'decide'): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (will === 'suppress') this.#side.suppressWill(this.conn)
    this.close(p)
  }

  #dropDeadline(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }
}
