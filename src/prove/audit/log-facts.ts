/** What decision logs say of a fleet, gathered event by event in bounded memory. Feed it in order of time. */
import type { LogEvent } from '../../observe/read-log-event.ts'
import { AddressUse } from './address-use.ts'
import { type LogLimits, logLimits } from './log-limits.ts'

/** What was seen of one certificate that was let in. */
export interface SeenCertificate {
  readonly fingerprint: string
  /** As the log has it last; undefined where it is too long to be held. */
  identity: string | undefined
  clientId: string | undefined
  address: string | undefined
  /** When it was seen last, connecting or acting. */
  last: number
  readonly addresses: AddressUse
}

/** Events of a session that is there: its certificate was let in. */
const insideEvents: ReadonlySet<string> = new Set(['connected', 'permitted', 'refused', 'would-refuse'])
const refusals: ReadonlySet<string> = new Set([
  'handshake-refused',
  'connect-refused',
  'refused',
  'would-refuse',
  'suppressed',
])

/** @example const facts = new LogFacts(); facts.add(event); facts.end() */
export class LogFacts {
  readonly certificates: Map<string, SeenCertificate> = new Map()
  /** Refusals by identity, and by address where nobody was known. */
  readonly refused: Map<string, number> = new Map()
  readonly nobody: Map<string, number> = new Map()
  /** Milliseconds since 1970, of the first and the last event. */
  from: number = Number.POSITIVE_INFINITY
  to: number = Number.NEGATIVE_INFINITY
  events = 0
  permits = 0
  connects = 0
  /** What did not fit: events of further certificates, refusals of further names, values that are too long. */
  readonly unheld: { certificates: number; refusals: number; values: number } = {
    certificates: 0,
    refusals: 0,
    values: 0,
  }
  readonly #limits: LogLimits
  /** Connections that are open, of all certificates. */
  #open = 0

  constructor(limits: LogLimits = logLimits) {
    this.#limits = limits
  }

  add(event: LogEvent): void {
    this.events += 1
    this.from = Math.min(this.from, event.time)
    this.to = Math.max(this.to, event.time)
    if (event.event === 'permitted') this.permits += 1
    if (event.event === 'connected') this.connects += 1
    if (refusals.has(event.event)) this.#refuse(event)
    if (event.fingerprint === undefined) return
    if (insideEvents.has(event.event)) this.#see(event, event.fingerprint)
    if (event.event === 'disconnected') this.#leave(event, event.fingerprint)
  }

  /** After the last event. */
  end(): void {
    for (const { addresses } of this.certificates.values()) addresses.end(this.to)
  }

  #see(event: LogEvent, fingerprint: string): void {
    const seen = this.certificates.get(fingerprint) ?? this.#begin(fingerprint)
    if (seen === undefined) return
    seen.last = Math.max(seen.last, event.time)
    seen.identity = this.#held(event.device) ?? seen.identity
    const clientId = this.#held(event.clientId)
    const address = this.#held(event.address)
    seen.clientId = clientId ?? seen.clientId
    seen.address = address ?? seen.address
    if (event.event !== 'connected' || clientId === undefined || address === undefined) return
    const { connections, allConnections } = this.#limits
    const { addresses } = seen
    const before = addresses.open
    const most = this.#open < allConnections ? connections : Math.min(before, connections)
    addresses.connected({ clientId, address, since: event.time }, most)
    this.#open += addresses.open - before
  }

  #leave({ clientId, address, time }: LogEvent, fingerprint: string): void {
    const addresses = this.certificates.get(fingerprint)?.addresses
    if (addresses === undefined || clientId === undefined) return
    const before = addresses.open
    addresses.disconnected(clientId, address, time)
    this.#open += addresses.open - before
  }

  #begin(fingerprint: string): SeenCertificate | undefined {
    if (this.certificates.size >= this.#limits.certificates) {
      this.unheld.certificates += 1
      return undefined
    }
    const nothing = { identity: undefined, clientId: undefined, address: undefined }
    const seen = { fingerprint, ...nothing, last: Number.NEGATIVE_INFINITY, addresses: new AddressUse() }
    this.certificates.set(fingerprint, seen)
    return seen
  }

  #refuse(event: LogEvent): void {
    const [counts, name] = event.device === undefined ? [this.nobody, event.address] : [this.refused, event.device]
    const key = this.#held(name)
    const count = event.event === 'suppressed' ? (event.count ?? 0) : 1
    if (key === undefined) return
    const known = counts.get(key)
    if (known !== undefined || counts.size < this.#limits.refused) counts.set(key, (known ?? 0) + count)
    else this.unheld.refusals += count
  }

  #held(value: string | undefined): string | undefined {
    if (value === undefined || value.length <= this.#limits.characters) return value
    this.unheld.values += 1
    return undefined
  }
}
