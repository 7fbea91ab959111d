/** From where one certificate was connected: at two places at a time, or to and fro between them. Fed in order of time. */
/** A take-over writes its two lines within this time, in whatever order. */
const sameTimeMs = 5_000
/** Coming back to an address so soon is flapping; a device that moves does not come back. */
const backWithinMs = 600_000
/** Addresses that are remembered for it. */
const rememberedAddresses = 8

/** Two connections that were there at the same time. */
export interface TwoPlaces {
  readonly addresses: readonly [string, string]
  readonly from: number
  readonly to: number
}

interface Connection {
  readonly clientId: string
  readonly address: string
  readonly since: number
}

export class AddressUse {
  /** The first time that it was at two places. */
  atOnce: TwoPlaces | undefined
  /** How often it came back to an address that it had just left. */
  returns = 0
  /** Left out, for too many were open. */
  unheld = 0
  #open: Connection[] = []
  #last: string | undefined
  /** Addresses that were left, and when; most certificates leave none. */
  #leftAt: Map<string, number> | undefined

  /** How many are open. */
  get open(): number {
    return this.#open.length
  }

  /** `most`: how many may be open. */
  connected(connection: Connection, most: number): void {
    // one log-in of a client id at a time [MQTT-3.1.4-2]: what was there has ended, whatever the log has of it
    this.disconnected(connection.clientId, undefined, connection.since)
    this.#noteReturn(connection)
    if (this.#open.length < most) this.#open.push(connection)
    else this.unheld += 1
  }

  disconnected(clientId: string, address: string | undefined, time: number): void {
    const isIt = (one: Connection): boolean =>
      one.clientId === clientId && (address === undefined || one.address === address)
    const ended = this.#open.filter(isIt)
    if (ended.length === 0) return
    this.#open = this.#open.filter(one => !isIt(one))
    for (const one of ended) this.#compare(one, this.#open, time)
  }

  /** Compares what is open still, where the log ends. */
  end(time: number): void {
    for (const [index, one] of this.#open.entries()) this.#compare(one, this.#open.slice(index + 1), time)
  }

  #compare(one: Connection, others: readonly Connection[], time: number): void {
    for (const other of others) {
      const from = Math.max(one.since, other.since)
      if (other.address === one.address || time - from <= sameTimeMs) continue
      const addresses = [one.address, other.address].sort() as [string, string]
      const found = { addresses, from, to: time }
      if (this.atOnce === undefined || from < this.atOnce.from) this.atOnce = found
    }
  }

  #noteReturn({ address, since }: Connection): void {
    const before = this.#last
    this.#last = address
    if (before === undefined || before === address) return
    this.#leftAt ??= new Map()
    const left = this.#leftAt.get(address)
    if (left !== undefined && since - left <= backWithinMs) this.returns += 1
    this.#leftAt.delete(address)
    this.#leftAt.delete(before)
    this.#leftAt.set(before, since)
    const [oldest] = this.#leftAt.keys()
    if (this.#leftAt.size > rememberedAddresses && oldest !== undefined) this.#leftAt.delete(oldest)
  }
}
