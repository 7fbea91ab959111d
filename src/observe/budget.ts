/**
 * Budget of refusals: each certificate may fill so many lines of a log in a minute, and what it does beyond that is counted and
 * told in one line, so that a flood by one device never hides the refusal of another (docs/semantics.md 5.4).
 *
 * A certificate counts as one only once a configured issuer vouches for it. Before that anybody can make as many as he likes, so
 * a refused handshake is counted by its address.
 */
import { addressKey } from '../accept/limits.ts'
import type { ProblemCode } from '../problem.ts'
import type { Trace, TracedPeer, TraceEvent } from '../trace.ts'
import { type Clock, systemClock } from './clock.ts'

export const defaultRefusalsPerMinute = 60

/** Certificates, and as many addresses, that are counted singly; those beyond share one budget. */
const defaultMaxTracked = 10_000
const windowMs = 60_000
/** No fingerprint and no address. */
const overflowKey = '*'

export interface BudgetOptions {
  readonly refusalsPerMinute: number
  readonly maxTracked?: number
  readonly clock?: Clock
}

export interface BudgetedTrace {
  readonly trace: Trace
  /** Tells what is still only counted. Whatever comes later is told at once. */
  close(): void
}

type Refusal = Extract<
  TraceEvent,
  { readonly event: 'handshake-refused' | 'connect-refused' | 'refused' | 'would-refuse' | 'enrol-refused' }
>

/** One minute of one key. */
interface Account {
  readonly since: number
  told: number
  suppressed: number
  readonly codes: Map<ProblemCode, number>
  peer: TracedPeer | undefined
}

/** The accounts of one kind of key. A minute begins with its first refusal, so the oldest account is the first to end. */
class Accounts {
  readonly #trace: Trace
  readonly #limit: number
  readonly #maxTracked: number
  readonly #clock: Clock
  readonly #open = new Map<string, Account>()
  #cancelWake: (() => void) | undefined

  constructor(trace: Trace, options: BudgetOptions) {
    this.#trace = trace
    this.#limit = options.refusalsPerMinute
    this.#maxTracked = options.maxTracked ?? defaultMaxTracked
    this.#clock = options.clock ?? systemClock
  }

  /** Tells the refusal, or counts it. `peer` is whom the count is about. */
  take(ownKey: string, peer: TracedPeer, refusal: Refusal): void {
    const now = this.#clock.now()
    this.#settle(now)
    const tracked = this.#open.size - (this.#open.has(overflowKey) ? 1 : 0)
    const isTracked = this.#open.has(ownKey) || tracked < this.#maxTracked
    const account = this.#accountOf(isTracked ? ownKey : overflowKey, now)
    if (account.told < this.#limit) {
      account.told += 1
      this.#trace(refusal)
      return
    }
    const { code } = refusal.problem
    account.suppressed += 1
    account.codes.set(code, (account.codes.get(code) ?? 0) + 1)
    // one that says who it is tells more than one from before log-in
    if (isTracked && (peer.who !== undefined || account.peer?.who === undefined)) account.peer = peer
  }

  close(): void {
    this.#cancelWake?.()
    this.#cancelWake = undefined
    this.#settle(Number.POSITIVE_INFINITY)
  }

  #accountOf(key: string, now: number): Account {
    const known = this.#open.get(key)
    if (known !== undefined) return known
    const account: Account = { since: now, told: 0, suppressed: 0, codes: new Map(), peer: undefined }
    this.#open.set(key, account)
    if (this.#cancelWake === undefined) this.#wakeAfter(windowMs)
    return account
  }

  #wakeAfter(ms: number): void {
    this.#cancelWake = this.#clock.after(ms, () => {
      this.#cancelWake = undefined
      const now = this.#clock.now()
      this.#settle(now)
      const [oldest] = this.#open.values()
      // a timer may be early
      if (oldest !== undefined) this.#wakeAfter(Math.max(1, Math.ceil(oldest.since + windowMs - now)))
    })
  }

  /** Ends every account whose minute is over. */
  #settle(now: number): void {
    for (const [key, account] of this.#open) {
      if (now - account.since < windowMs) return
      this.#open.delete(key)
      if (account.suppressed > 0) this.#report(account)
    }
  }

  #report({ since, suppressed, codes, peer }: Account): void {
    this.#trace({
      event: 'suppressed',
      ...(peer === undefined ? {} : { peer: withoutClientId(peer) }),
      count: suppressed,
      codes: Object.fromEntries(codes),
      seconds: Math.max(1, Math.ceil((this.#clock.now() - since) / 1000)),
    })
  }
}

/** A certificate may have tried many. */
function withoutClientId({ clientId: _, ...peer }: TracedPeer): TracedPeer {
  return peer
}

/**
 * Wraps the trace of a log. Only refusals are budgeted: alarms, changes of policy, log-ins and permits always pass.
 * @example const { trace, close } = budgetRefusals(logTrace(options), { refusalsPerMinute: 60 })
 */
export function budgetRefusals(trace: Trace, options: BudgetOptions): BudgetedTrace {
  const certificates = new Accounts(trace, options)
  // apart, or a flood from many addresses would use up the places of certificates
  const addresses = new Accounts(trace, options)
  let isClosed = false
  return {
    trace: event => {
      if (isClosed || !isRefusal(event)) return trace(event)
      const { fingerprint, address } = event.peer
      if (fingerprint !== undefined && event.event !== 'handshake-refused') {
        certificates.take(fingerprint, event.peer, event)
      } else {
        const key = addressKey(address)
        addresses.take(key, { address: key }, event)
      }
    },
    close: () => {
      isClosed = true
      certificates.close()
      addresses.close()
    },
  }
}

const refusals: ReadonlySet<string> = new Set([
  'handshake-refused',
  'connect-refused',
  'refused',
  'would-refuse',
  'enrol-refused',
])

function isRefusal(event: TraceEvent): event is Refusal {
  return refusals.has(event.event)
}
