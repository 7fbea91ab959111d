/** Acts of the authority: certificates are renewed and revoked at random, and what is revoked must not be served. */
import type { Random } from '../fuzz/random.ts'
import type { Client } from './client.ts'
import type { Fleet } from './fleet.ts'
import type { Journal } from './journal.ts'
import type { Node } from './node.ts'
import type { Oracle } from './oracle.ts'
import { within } from './within.ts'

export interface CertificateFacts {
  readonly random: Random
  readonly fleet: Fleet
  readonly nodes: readonly Node[]
  readonly oracle: Oracle
  readonly journal: Journal
  /** What was survived. */
  readonly faults: Record<'renewals' | 'revocations', number>
  /** A client that nothing else is done with. */
  readonly free: (isConnected: boolean) => Client | undefined
  /** Nothing else is done with the client meanwhile. */
  readonly inBackground: (act: () => Promise<void>, client: Client) => void
  readonly until: (node: Node, isSo: () => boolean, what: string) => Promise<void>
}

/** In which a connection with a certificate on a list that is in force has to end. */
const closeMs = 10_000

export class CertificateActs {
  /** Log-ins with a revoked certificate that were not let in. */
  refused = 0
  /** The longest time from a revocation list on the disk to a closed connection, in milliseconds. */
  slowestCloseMs = 0
  readonly #facts: CertificateFacts

  constructor(facts: CertificateFacts) {
    this.#facts = facts
  }

  renew(): void {
    const client = this.#facts.free(this.#facts.random.chance(70))
    if (client === undefined) return
    const isSuperseded = this.#facts.random.chance(50)
    this.#facts.inBackground(async () => {
      client.credentials = await this.#facts.fleet.renew(client.who, isSuperseded)
      this.#facts.journal.note(
        client.clientId,
        `has a new certificate${isSuperseded ? ', the old one superseded' : ''}`,
      )
      this.#facts.faults.renewals++
      if (isSuperseded && client.isConnected) await this.#mustEnd(client, 'a superseded certificate')
    }, client)
  }

  revoke(): void {
    const client = this.#facts.free(this.#facts.random.chance(70))
    if (client === undefined) return
    this.#facts.inBackground(async () => {
      const { fleet } = this.#facts
      client.forget()
      const starts = this.#facts.nodes.map(node => node.starts)
      await fleet.revoke(client.who)
      const writtenAt = performance.now()
      this.#facts.journal.note(client.clientId, 'has a revoked certificate')
      const entries = fleet.listed
      // of a broker that was just starting it cannot be told which list it has read
      const hasIt = (node: Node, index: number): boolean =>
        node.isReady && (node.entries >= entries || node.starts > (starts[index] ?? 0))
      const isLive = client.isConnected
      await this.#mustEnd(client, 'a connection goes on')
      if (isLive) this.slowestCloseMs = Math.max(this.slowestCloseMs, performance.now() - writtenAt)
      for (const [index, node] of this.#facts.nodes.entries()) {
        await this.#facts.until(node, () => node.isReady, 'it is back')
        const isKnown = hasIt(node, index)
        if (await client.connect(node, false)) {
          if (isKnown) this.#facts.oracle.servedRevoked(client.clientId, 'it was let in')
          else await this.#mustEnd(client, 'a connection goes on')
        } else this.refused++
      }
      client.forget()
      client.credentials = await fleet.issue(client.who)
      this.#facts.faults.revocations++
    }, client)
  }

  async #mustEnd(client: Client, how: string): Promise<void> {
    const hasEnded = await within(client.ended(), closeMs, () => how).then(
      () => true,
      () => false,
    )
    if (!hasEnded) this.#facts.oracle.servedRevoked(client.clientId, `${how} for ${closeMs / 1000} s`)
  }
}
